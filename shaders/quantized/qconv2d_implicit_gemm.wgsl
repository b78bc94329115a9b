// y[n,oh,ow,o] = steps(Σ_{kh,kw,c} x[n, oh*sh - ph + kh*dh, ow*sw - pw + kw*dw, c] * w[o,c,kh,kw]) of bytes, an implicit GEMM for
// GPUs with products of four bytes (dot4I8Packed); steps() is said in qconv2d_constants.wgsl. With REAL in f32, for those whose
// drivers make a dozen instructions of one: f32 holds 1,024 products exactly, then they go on in i32.
//
// Layouts: as qconv2d_direct.wgsl: x and y channels-last in words of four channels, or y with SUMS i32; the weight packed
//   [G][KH,KW][INPUT_WORDS][4*OUTPUT_WORDS], a word four input channels.
// Threads: a workgroup of 64 has a tile of TILE pixels x TILE output channels of one group, a thread 8 x 8 of it, as two
//   runs of four each way. Per turn it loads STEP words of one pixel and of one output channel into workgroup memory, and
//   while the products go on the next ones are on their way: no condition stands between their loads and the sums.
// Limits: 5 storage buffers, 4 KiB of workgroup memory. Idea: implicit GEMM, as in cuDNN (Chetlur et al., arXiv 1410.0759).

const TILE: u32 = 64u; // pixels and output channels of a tile: one a thread
const STEP: u32 = 8u; // @const words of a pixel in a turn: a multiple of four
const REAL: bool = false; // @const products in f32
const ASYMMETRIC: bool = false; // @const weights have zero points that are not 0
const SUMS: bool = false; // @const y holds the sums, as i32
const HAS_RESIDUAL: bool = false; // @const add residual, in words as y
const RESIDUAL_SIGNED: bool = true; // @const the residual is i8, not u8

struct Geometry {
    x_shape: vec4<u32>, // N C H W
    w_shape: vec4<u32>, // O C/groups KH KW
    y_shape: vec4<u32>, // N O OH OW
    stride: vec2<u32>,
    padding: vec2<u32>,
    dilation: vec2<u32>,
    groups: u32,
    pad: u32,
}

struct Params {
    geometry: Geometry,
    input_words: u32, // of a group and pixel
    output_words: u32,
    pixel_tiles: u32,
    channel_tiles: u32,
    workgroups: u32,
    length: u32, // words of a sum
    padding_word: u32, // four times the number that stands for 0, before the flip
    flip: u32, // 0x80808080 where x is u8: then signed bytes are 128 less
    y_zero: i32,
    low: f32, // of the result, less its zero point
    high: f32,
    residual_zero: i32,
    residual_multiplier: f32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read> weight: array<u32>;
@group(0) @binding(3) var<storage, read> constants: array<vec4<i32>>;
@group(0) @binding(4) var<storage, read> residual: array<u32>;
@group(0) @binding(5) var<storage, read_write> y: array<u32>;

var<workgroup> x_tile: array<vec4<u32>, STEP / 4u * TILE>; // [four words][pixel]
var<workgroup> w_tile: array<vec4<u32>, STEP / 4u * TILE>; // [four words][output channel]

/// The four bytes of a word.
fn bytes(word: u32, is_signed: bool) -> vec4<i32> {
    let high = vec4(word) << vec4(24u, 16u, 8u, 0u);
    return select(bitcast<vec4<i32>>(high >> vec4(24u)), bitcast<vec4<i32>>(high) >> vec4(24u), is_signed);
}

/// Four signed bytes.
fn real(word: u32) -> vec4<f32> {
    return vec4<f32>(bytes(word, true));
}

/// Terms in fractions of a step (2^-16).
fn fractions(numbers: vec4<i32>, multiplier: vec4<f32>) -> vec4<i32> {
    return vec4<i32>(round(clamp(vec4<f32>(numbers) * multiplier, vec4(-8192.0), vec4(8192.0)) * 65536.0));
}

/// Four numbers within the limits, less the zero point, as bytes in a word.
fn packed(numbers: vec4<i32>) -> u32 {
    let b = bitcast<vec4<u32>>(numbers + params.y_zero) & vec4(255u);
    return b.x | (b.y << 8u) | (b.z << 16u) | (b.w << 24u);
}

/// The word of y for four sums and a word of the residual.
fn steps(sums: vec4<i32>, multiplier: vec4<f32>, added: u32) -> u32 {
    if HAS_RESIDUAL {
        let other = bytes(added, RESIDUAL_SIGNED) - params.residual_zero;
        let all = fractions(sums, multiplier) + fractions(other, vec4(params.residual_multiplier));
        // Half to even.
        let below = all >> vec4(16u);
        let rest = all & vec4(0xffff);
        let up = (rest > vec4(0x8000)) | ((rest == vec4(0x8000)) & ((below & vec4(1)) == vec4(1)));
        let whole = below + select(vec4(0), vec4(1), up);
        return packed(clamp(whole, vec4(i32(params.low)), vec4(i32(params.high))));
    }
    return packed(vec4<i32>(clamp(round(vec4<f32>(sums) * multiplier), vec4(params.low), vec4(params.high))));
}

@compute @workgroup_size(TILE)
fn main(
    @builtin(workgroup_id) wg: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let group = wg.x + grid.x * (wg.y + grid.y * wg.z);
    if (group >= params.workgroups) {
        return;
    }
    let tile = group / params.pixel_tiles;
    let channel0 = tile % params.channel_tiles * TILE;
    let conv_group = tile / params.channel_tiles;
    let geometry = params.geometry;
    let pixels = geometry.y_shape.x * geometry.y_shape.z * geometry.y_shape.w;
    let pixel0 = group % params.pixel_tiles * TILE;
    let pixel_words = geometry.groups * params.input_words;
    let outputs = 4u * params.output_words;

    // What this thread loads: the words of a pixel, from the input position of its tap (0,0) on, and of an output channel.
    let pixel = min(pixel0 + thread, pixels - 1u);
    let n = pixel / (geometry.y_shape.z * geometry.y_shape.w);
    let row = pixel / geometry.y_shape.w;
    let top = (row - n * geometry.y_shape.z) * geometry.stride.x - geometry.padding.x;
    let left = (pixel - row * geometry.y_shape.w) * geometry.stride.y - geometry.padding.y;
    let base = ((n * geometry.x_shape.z + top) * geometry.x_shape.w + left) * pixel_words + conv_group * params.input_words;
    let w_base = conv_group * params.length * outputs + min(channel0 + thread, outputs - 1u);
    var next_x: array<u32, STEP>;
    var next_w: array<u32, STEP>;
    var k = 0u;
    var c = 0u;
    var dy = 0u;
    var dx = 0u;

    var sums: array<vec4<i32>, 16>; // [pixel][half of the output channels]
    var weighed: array<i32, 8>;
    var real_sums: array<vec4<f32>, 16>; // as sums
    let across = thread % 8u;
    let down = thread / 8u;
    let turns = (params.length + STEP - 1u) / STEP;
    for (var turn = 0u; turn <= turns; turn++) {
        if (turn > 0u) {
            workgroupBarrier();
            // @unroll
            for (var s = 0u; s < STEP / 4u; s++) {
                x_tile[s * TILE + thread] = vec4(next_x[4u * s], next_x[4u * s + 1u], next_x[4u * s + 2u], next_x[4u * s + 3u]);
                w_tile[s * TILE + thread] = vec4(next_w[4u * s], next_w[4u * s + 1u], next_w[4u * s + 2u], next_w[4u * s + 3u]);
            }
            workgroupBarrier();
        }
        // @unroll
        for (var s = 0u; s < STEP; s++) {
            let there = k < params.length;
            let inside = there && top + dy < geometry.x_shape.z && left + dx < geometry.x_shape.w;
            let at = base + (dy * geometry.x_shape.w + dx) * pixel_words + c;
            let word = select(params.padding_word, x[select(0u, at, inside)], inside) ^ params.flip;
            // Behind the end both are 0: a sum of x counts only what is there.
            next_x[s] = select(0u, word, there);
            next_w[s] = select(0u, weight[w_base + select(0u, k, there) * outputs], there);
            k++;
            c++;
            if (c == params.input_words) {
                c = 0u;
                dx += geometry.dilation.y;
                if (dx == geometry.w_shape.w * geometry.dilation.y) {
                    dx = 0u;
                    dy += geometry.dilation.x;
                }
            }
        }
        if (REAL && turn > 0u) {
            for (var s = 0u; s < STEP / 4u; s++) {
                // @unroll
                for (var t = 0u; t < 4u; t++) {
                    var ws: array<vec4<f32>, 8>;
                    // @unroll
                    for (var j = 0u; j < 8u; j++) {
                        ws[j] = real(w_tile[s * TILE + j / 4u * 32u + 4u * across + j % 4u][t]);
                    }
                    // @unroll
                    for (var p = 0u; p < 8u; p++) {
                        let xs = real(x_tile[s * TILE + p / 4u * 32u + 4u * down + p % 4u][t]);
                        // @unroll
                        for (var j = 0u; j < 8u; j++) {
                            let sum = real_sums[2u * p + j / 4u][j % 4u];
                            real_sums[2u * p + j / 4u][j % 4u] = sum + xs.x * ws[j].x + xs.y * ws[j].y + xs.z * ws[j].z + xs.w * ws[j].w;
                        }
                        if (ASYMMETRIC) {
                            weighed[p] += i32(xs.x + xs.y + xs.z + xs.w);
                        }
                    }
                }
            }
            if (turn % (256u / STEP) == 0u || turn == turns) {
                // @unroll
                for (var i = 0u; i < 16u; i++) {
                    sums[i] += vec4<i32>(real_sums[i]);
                    real_sums[i] = vec4(0.0);
                }
            }
        }
        if (!REAL && turn > 0u) {
            // @unroll
            for (var s = 0u; s < STEP / 4u; s++) {
                var ws: array<vec4<u32>, 8>;
                // @unroll
                for (var j = 0u; j < 8u; j++) {
                    ws[j] = w_tile[s * TILE + j / 4u * 32u + 4u * across + j % 4u];
                }
                // @unroll
                for (var p = 0u; p < 8u; p++) {
                    let xs = x_tile[s * TILE + p / 4u * 32u + 4u * down + p % 4u];
                    // @unroll
                    for (var t = 0u; t < 4u; t++) {
                        // @unroll
                        for (var j = 0u; j < 8u; j++) {
                            sums[2u * p + j / 4u][j % 4u] += dot4I8Packed(xs[t], ws[j][t]);
                        }
                        if (ASYMMETRIC) {
                            weighed[p] += dot4I8Packed(xs[t], 0x01010101u);
                        }
                    }
                }
            }
        }
    }

    // @unroll
    for (var h = 0u; h < 2u; h++) {
        let quad = channel0 / 4u + 8u * h + across;
        if (quad < params.output_words) {
            let word = conv_group * params.output_words + quad;
            let bias = constants[3u * word];
            let multiplier = bitcast<vec4<f32>>(constants[3u * word + 1u]);
            let zero = constants[3u * word + 2u];
            // @unroll
            for (var p = 0u; p < 8u; p++) {
                let stored = pixel0 + 32u * (p / 4u) + 4u * down + p % 4u;
                if (stored < pixels) {
                    let sum = sums[2u * p + h] + bias - zero * weighed[p];
                    if (SUMS) {
                        let each = geometry.y_shape.y / geometry.groups;
                        // @unroll
                        for (var j = 0u; j < 4u; j++) {
                            if (4u * quad + j < each) {
                                y[stored * geometry.y_shape.y + conv_group * each + 4u * quad + j] = bitcast<u32>(sum[j]);
                            }
                        }
                    } else {
                        let at = stored * geometry.groups * params.output_words + word;
                        var added = 0u;
                        if (HAS_RESIDUAL) {
                            added = residual[at];
                        }
                        y[at] = steps(sum, multiplier, added);
                    }
                }
            }
        }
    }
}

// y[n,oh,ow,o] = steps(Σ_{kh,kw,c} x[n, oh*sh - ph + kh*dh, ow*sw - pw + kw*dw, c] * w[o,c,kh,kw]) of bytes, an implicit GEMM for
// software Vulkan (lavapipe) and any device with subgroups of LANES; steps() is said in qconv2d_constants.wgsl.
//
// Layouts:  channels-last. x is [N,H,W,G,INPUT_WORDS] in words of four input channels, y [N,OH,OW,G,OUTPUT_WORDS] in words of
//           four output channels, or with SUMS i32 [N,OH,OW,O]. The weight is packed [G][channel tile][KH,KW,C][CHANNELS/4], a
//           word four output channels (qconv2d_pack_weight.wgsl). constants are three vec4s for each word of output channels.
// Threads:  a workgroup is a subgroup and a tile of LANES*PIXELS pixels x CHANNELS output channels of one group. Lane l owns the
//           pixels (tile*PIXELS + p)*LANES + l. Per turn a lane loads WIDTH words of each of its pixels and its share of
//           the weights, whose words reach the other lanes by shuffles from a constant lane.
// Why       llvmpipe has no product of bytes: dot4I8Packed becomes eight extractions, four products and four sums, 0.4 of the
//           speed of f32. Products of bytes are below 2^14 and sums of 1,024 of them at most 2^24: f32 holds them exactly.
//           So bytes are taken for f32 where they lie in the word, times 2^24, which saves the shift that extends the sign.
//           What is gained is loads: one brings four numbers.
// Host      turns = KH*KW*INPUT_WORDS/WIDTH, chunk = 1024/(4*WIDTH) turns. WIDTH 2 where INPUT_WORDS is even, else 1. workgroups =
//           pixel_tiles * channel_tiles * G. Bind any read-only buffer as a residual that is not added.
// Limits:   turns <= 65,535 (loops of Mesa before 23); no workgroup memory, no barrier.

const PIXELS: u32 = 4u; // @const output pixels per lane
const CHANNELS: u32 = 16u; // @const output channels per workgroup: 4, 8, 16 or 32
const WIDTH: u32 = 2u; // @const words of x in a load: 2 or 1
const LONG: bool = true; // @const a sum has more than one chunk of turns
const WIDE: bool = false; // @const the words of a pixel of y and of a tile are whole vec4s
const ASYMMETRIC: bool = false; // @const weights have zero points that are not 0
const SUMS: bool = false; // @const y holds the sums, as i32
const HAS_RESIDUAL: bool = false; // @const add residual, in words as y
const RESIDUAL_SIGNED: bool = true; // @const the residual is i8, not u8
const LANES: u32 = 8u; // @const lanes of a subgroup: 4, 8 or 16
const TERMS: u32 = 4u * WIDTH;
const QUADS: u32 = CHANNELS / 4u;
const W_VECTORS: u32 = TERMS * QUADS / 4u;
const W_LOADS: u32 = (W_VECTORS + LANES - 1u) / LANES;
const CONSTANTS: u32 = (3u * QUADS + LANES - 1u) / LANES;
const RUNS: u32 = (QUADS + 3u) / 4u; // vec4s of words of a pixel

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
    turns: u32,
    chunk: u32, // turns whose sums f32 holds
    padding_word: u32, // four times the number that stands for 0, before the flip
    flip: u32, // 0x80808080 where x is u8: then signed bytes are 128 less
    y_zero: i32,
    low: f32, // of the result, less its zero point
    high: f32,
    residual_zero: i32,
    residual_multiplier: f32,
    pad0: u32,
    pad1: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read> weight: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> constants: array<vec4<i32>>;
@group(0) @binding(4) var<storage, read> residual: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read_write> y: array<vec4<u32>>;

fn load_x(i: u32) -> vec2<u32> {
    if WIDTH == 2u { return x[i >> 1u]; }
    return vec2(x[i >> 1u][i & 1u]);
}

/// The four signed bytes of a word, times 2^24.
fn lifted(word: u32) -> vec4<f32> {
    return vec4<f32>(bitcast<vec4<i32>>((vec4(word) << vec4(24u, 16u, 8u, 0u)) & vec4(0xff000000u)));
}

/// The four bytes of a word.
fn bytes(word: u32, is_signed: bool) -> vec4<i32> {
    let high = vec4(word) << vec4(24u, 16u, 8u, 0u);
    return select(bitcast<vec4<i32>>(high >> vec4(24u)), bitcast<vec4<i32>>(high) >> vec4(24u), is_signed);
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

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(subgroup_invocation_id) lane: u32) {
    // A surplus group recomputes the last tile and stores nothing: cheaper here than a masked body.
    let id = wg.x + grid.x * (wg.y + grid.y * wg.z);
    let group = min(id, params.workgroups - 1u);
    let tile = group / params.pixel_tiles;
    let channel_tile = tile % params.channel_tiles;
    let conv_group = tile / params.channel_tiles;
    let pixel_words = params.geometry.groups * params.input_words;
    let pixels = params.geometry.y_shape.x * params.geometry.y_shape.z * params.geometry.y_shape.w;
    let pixel0 = (group % params.pixel_tiles) * (LANES * PIXELS) + lane;

    // The input position of tap (0,0) of each own pixel; a negative one wraps and so lies outside as well.
    var top: array<u32, PIXELS>;
    var left: array<u32, PIXELS>;
    var base: array<u32, PIXELS>;
    // @unroll
    for (var p = 0u; p < PIXELS; p++) {
        let pixel = min(pixel0 + p * LANES, pixels - 1u);
        let n = pixel / (params.geometry.y_shape.z * params.geometry.y_shape.w);
        let row = pixel / params.geometry.y_shape.w;
        top[p] = (row - n * params.geometry.y_shape.z) * params.geometry.stride.x - params.geometry.padding.x;
        left[p] = (pixel - row * params.geometry.y_shape.w) * params.geometry.stride.y - params.geometry.padding.y;
        base[p] = ((n * params.geometry.x_shape.z + top[p]) * params.geometry.x_shape.w + left[p]) * pixel_words + conv_group * params.input_words;
    }

    var acc: array<vec4<f32>, PIXELS * QUADS>;
    var w_at = (conv_group * params.channel_tiles + channel_tile) * params.turns * W_VECTORS;
    var total: array<vec4<i32>, PIXELS * QUADS>;
    var weighed: array<i32, PIXELS>; // the sums of x, by which a weight's zero point counts
    var c = 0u; // the tap and the words of the next load of x
    var dx = 0u;
    var dy = 0u;
    var tap = 0u; // its offset from base
    for (var done = 0u; done < params.turns; done += params.chunk) {
        var x_sums: array<f32, PIXELS>;
        let end = min(done + params.chunk, params.turns);
        for (var turn = done; turn < end; turn++) {
            var wv: array<vec4<u32>, W_LOADS>;
            // @unroll
            for (var i = 0u; i < W_LOADS; i++) {
                wv[i] = weight[w_at + min(i * LANES + lane, W_VECTORS - 1u)];
            }
            w_at += W_VECTORS;
            var xv: array<f32, PIXELS * TERMS>;
            // @unroll
            for (var p = 0u; p < PIXELS; p++) {
                let inside = top[p] + dy < params.geometry.x_shape.z && left[p] + dx < params.geometry.x_shape.w;
                let words = select(vec2(params.padding_word), load_x(select(0u, base[p] + tap + c, inside)), inside) ^ vec2(params.flip);
                // @unroll
                for (var t = 0u; t < WIDTH; t++) {
                    let four = lifted(words[t]);
                    // @unroll
                    for (var j = 0u; j < 4u; j++) {
                        xv[p * TERMS + 4u * t + j] = four[j];
                        if ASYMMETRIC { x_sums[p] += four[j]; }
                    }
                }
            }
            c += WIDTH;
            if c == params.input_words {
                c = 0u;
                dx += params.geometry.dilation.y;
                if dx == params.geometry.w_shape.w * params.geometry.dilation.y {
                    dx = 0u;
                    dy += params.geometry.dilation.x;
                }
                tap = (dy * params.geometry.x_shape.w + dx) * pixel_words;
            }
            // @unroll
            for (var q = 0u; q < QUADS; q++) {
                var w: array<vec4<f32>, TERMS>;
                // @unroll
                for (var t = 0u; t < TERMS; t++) {
                    w[t] = lifted(subgroupShuffle(wv[(t * QUADS + q) / 4u / LANES][(t * QUADS + q) % 4u], (t * QUADS + q) / 4u % LANES));
                }
                // @unroll
                for (var t = 0u; t < TERMS; t++) {
                    // @unroll
                    for (var p = 0u; p < PIXELS; p++) {
                        acc[p * QUADS + q] += xv[p * TERMS + t] * w[t];
                    }
                }
            }
        }
        if LONG {
            // @unroll
            for (var i = 0u; i < PIXELS * QUADS; i++) {
                total[i] += vec4<i32>(acc[i] * 3.5527137e-15); // 2^-48
                acc[i] = vec4<f32>();
            }
        }
        if ASYMMETRIC {
            // @unroll
            for (var p = 0u; p < PIXELS; p++) {
                weighed[p] += i32(x_sums[p] * 5.9604645e-8); // 2^-24
            }
        }
    }

    // The constants of the tile, a vec4 for each lane; they reach the others as the weights do.
    let word0 = conv_group * params.output_words + channel_tile * QUADS;
    var constant: array<vec4<i32>, CONSTANTS>;
    // @unroll
    for (var i = 0u; i < CONSTANTS; i++) {
        constant[i] = constants[min(3u * word0 + min(i * LANES + lane, 3u * QUADS - 1u), 3u * params.geometry.groups * params.output_words - 1u)];
    }
    let used = min(params.output_words - channel_tile * QUADS, QUADS);
    let row = params.geometry.groups * params.output_words; // words of a pixel of y
    var result: array<vec4<u32>, PIXELS * RUNS>;
    if HAS_RESIDUAL {
        // @unroll
        for (var p = 0u; p < PIXELS; p++) {
            let at = min(pixel0 + p * LANES, pixels - 1u) * row + word0;
            // @unroll
            for (var r = 0u; r < RUNS; r++) {
                if WIDE {
                    result[p * RUNS + r] = residual[(at >> 2u) + r];
                } else {
                    // @unroll
                    for (var j = 0u; j < 4u; j++) {
                        let i = at + min(4u * r + j, used - 1u);
                        result[p * RUNS + r][j] = residual[i >> 2u][i & 3u];
                    }
                }
            }
        }
    }
    // @unroll
    for (var q = 0u; q < QUADS; q++) {
        var bias: vec4<i32>;
        var multiplier: vec4<i32>;
        var zero: vec4<i32>;
        // @unroll
        for (var j = 0u; j < 4u; j++) {
            bias[j] = subgroupShuffle(constant[3u * q / LANES][j], 3u * q % LANES);
            multiplier[j] = subgroupShuffle(constant[(3u * q + 1u) / LANES][j], (3u * q + 1u) % LANES);
            if ASYMMETRIC { zero[j] = subgroupShuffle(constant[(3u * q + 2u) / LANES][j], (3u * q + 2u) % LANES); }
        }
        // @unroll
        for (var p = 0u; p < PIXELS; p++) {
            var sums = bias;
            if LONG { sums += total[p * QUADS + q]; } else { sums += vec4<i32>(acc[p * QUADS + q] * 3.5527137e-15); }
            if ASYMMETRIC { sums -= zero * weighed[p]; }
            if SUMS {
                let outputs = params.geometry.y_shape.y / params.geometry.groups;
                let channel = 4u * (channel_tile * QUADS + q);
                let pixel = pixel0 + p * LANES;
                // @unroll
                for (var j = 0u; j < 4u; j++) {
                    if id < params.workgroups && pixel < pixels && channel + j < outputs {
                        let i = pixel * params.geometry.y_shape.y + conv_group * outputs + channel + j;
                        y[i >> 2u][i & 3u] = bitcast<u32>(sums[j]);
                    }
                }
            } else {
                result[p * RUNS + q / 4u][q % 4u] = steps(sums, bitcast<vec4<f32>>(multiplier), result[p * RUNS + q / 4u][q % 4u]);
            }
        }
    }
    if SUMS { return; }
    // A loop, because on software Vulkan a store is 2 KB of machine code. What it indexes is a copy, so that the words above
    // are no array in memory; the shuffle tells llvmpipe that all lanes read the same element of it.
    var words = result;
    for (var turn = 0u; turn < PIXELS * RUNS; turn++) {
        let i = subgroupShuffle(turn, 0u);
        let pixel = pixel0 + i / RUNS * LANES;
        let at = pixel * row + word0 + 4u * (i % RUNS);
        let four = words[i];
        let stored = id < params.workgroups && pixel < pixels;
        if WIDE {
            if stored { y[at >> 2u] = four; }
        } else {
            // @unroll
            for (var j = 0u; j < 4u; j++) {
                if stored && 4u * (i % RUNS) + j < used { y[(at + j) >> 2u][(at + j) & 3u] = four[j]; }
            }
        }
    }
}

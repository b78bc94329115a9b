// y[n,oh,ow,c] = steps(Σ_{kh,kw} x[n, oh*sh - ph + kh*dh, ow*sw - pw + kw*dw, c] * w[c,kh,kw]) of bytes, one filter to a channel;
// steps() is said in qconv2d_constants.wgsl.
//
// Layouts: channels-last. x and y are [N,H,W,WORDS] in words of four channels, or y with SUMS i32 [N,OH,OW,C]. The weight is
//   packed [KH,KW][WORDS] (qconv2d_pack_weight.wgsl). constants are three vec4s for each word of channels.
// Threads: WIDTH words of STRIP neighbouring pixels in a band of rows each; workgroups are folded over the grid's axes. A thread
//   goes down the rows of x and loads each word once: a row adds to the sums of every row of y that it reaches, and a row of y is
//   stored when its last row of x has been seen. Products are f32, of bytes times 2^24 where they lie in the word: exact, for
//   f32 holds the sum of 1,024 of them.
// Limits: 5 storage buffers, no workgroup memory; at most 1,024 taps. band + DEPTH <= 65,535 (loops of Mesa before 23).

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const WIDTH: u32 = 2u; // @const words of a thread: 2 or 1
const STRIP: u32 = 4u; // @const pixels of a thread
const KERNEL_H: u32 = 3u; // @const rows of a window
const KERNEL_W: u32 = 3u; // @const columns of a window
const STRIDE_H: u32 = 1u; // @const rows between windows
const STRIDE_W: u32 = 1u; // @const columns between windows
const DILATION_H: u32 = 1u; // @const rows between taps
const DILATION_W: u32 = 1u; // @const columns between taps
const ASYMMETRIC: bool = false; // @const weights have zero points that are not 0
const SUMS: bool = false; // @const y holds the sums, as i32
const HAS_RESIDUAL: bool = false; // @const add residual, in words as y
const RESIDUAL_SIGNED: bool = true; // @const the residual is i8, not u8
const DEPTH: u32 = (KERNEL_H - 1u) * DILATION_H / STRIDE_H; // rows of y that wait for more rows of x
const COLUMNS: u32 = (STRIP - 1u) * STRIDE_W + (KERNEL_W - 1u) * DILATION_W + 1u;

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
    words: u32, // of a pixel
    strips: u32, // of a row of y
    count: u32, // threads that have work
    padding_word: u32, // four times the number that stands for 0, before the flip
    flip: u32, // 0x80808080 where x is u8: then signed bytes are 128 less
    y_zero: i32,
    low: f32, // of the result, less its zero point
    high: f32,
    residual_zero: i32,
    residual_multiplier: f32,
    band: u32, // rows of y of a thread
    bands: u32, // of an image
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read> weight: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read> constants: array<vec4<i32>>;
@group(0) @binding(4) var<storage, read> residual: array<u32>;
@group(0) @binding(5) var<storage, read_write> y: array<u32>;

fn load_x(i: u32) -> vec2<u32> {
    if WIDTH == 2u { return x[i >> 1u]; }
    return vec2(x[i >> 1u][i & 1u]);
}

fn load_w(i: u32) -> vec2<u32> {
    if WIDTH == 2u { return weight[i >> 1u]; }
    return vec2(weight[i >> 1u][i & 1u]);
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

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let i = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    if (i >= params.count) {
        return;
    }
    let geometry = params.geometry;
    let runs = params.words / WIDTH;
    let word = i % runs * WIDTH;
    let strip = i / runs;
    let band = strip / params.strips; // of all images
    let n = band / params.bands;
    let first = (band - n * params.bands) * params.band;
    let column = (strip - band * params.strips) * STRIP;
    // The input position of tap (0,0) of the first pixel; a negative one wraps and so lies outside as well.
    let top = first * STRIDE_H - geometry.padding.x;
    let left = column * STRIDE_W - geometry.padding.y;
    let base = ((n * geometry.x_shape.z + top) * geometry.x_shape.w + left) * params.words + word;
    var w: array<vec4<f32>, KERNEL_H * KERNEL_W * WIDTH>;
    // @unroll
    for (var tap = 0u; tap < KERNEL_H * KERNEL_W; tap++) {
        let words = load_w(tap * params.words + word);
        // @unroll
        for (var t = 0u; t < WIDTH; t++) {
            w[tap * WIDTH + t] = lifted(words[t]);
        }
    }
    var bias: array<vec4<i32>, WIDTH>;
    var multiplier: array<vec4<f32>, WIDTH>;
    var zero: array<vec4<i32>, WIDTH>;
    // @unroll
    for (var t = 0u; t < WIDTH; t++) {
        bias[t] = constants[3u * (word + t)];
        multiplier[t] = bitcast<vec4<f32>>(constants[3u * (word + t) + 1u]);
        if ASYMMETRIC { zero[t] = constants[3u * (word + t) + 2u]; }
    }
    // Of the rows turn, turn - 1, .. turn - DEPTH of y.
    var acc: array<vec4<f32>, (DEPTH + 1u) * STRIP * WIDTH>;
    var x_sums: array<vec4<f32>, (DEPTH + 1u) * STRIP * WIDTH>;
    for (var turn = 0u; turn < params.band + DEPTH; turn++) {
        // @unroll
        for (var s = 0u; s < STRIDE_H; s++) {
            let row = turn * STRIDE_H + s;
            var xv: array<vec4<f32>, COLUMNS * WIDTH>;
            // @unroll
            for (var j = 0u; j < COLUMNS; j++) {
                let inside = top + row < geometry.x_shape.z && left + j < geometry.x_shape.w;
                let at = base + (row * geometry.x_shape.w + j) * params.words;
                let words = select(vec2(params.padding_word), load_x(select(0u, at, inside)), inside) ^ vec2(params.flip);
                // @unroll
                for (var t = 0u; t < WIDTH; t++) {
                    xv[j * WIDTH + t] = lifted(words[t]);
                }
            }
            // @unroll
            for (var kh = 0u; kh < KERNEL_H; kh++) {
                if kh * DILATION_H % STRIDE_H == s {
                    // @unroll
                    for (var kw = 0u; kw < KERNEL_W; kw++) {
                        // @unroll
                        for (var t = 0u; t < WIDTH; t++) {
                            // @unroll
                            for (var p = 0u; p < STRIP; p++) {
                                let four = xv[(p * STRIDE_W + kw * DILATION_W) * WIDTH + t];
                                acc[(kh * DILATION_H / STRIDE_H * STRIP + p) * WIDTH + t] += four * w[(kh * KERNEL_W + kw) * WIDTH + t];
                                if ASYMMETRIC { x_sums[(kh * DILATION_H / STRIDE_H * STRIP + p) * WIDTH + t] += four; }
                            }
                        }
                    }
                }
            }
        }
        let row = turn - DEPTH; // before the first one it wraps
        // @unroll
        for (var t = 0u; t < WIDTH; t++) {
            // @unroll
            for (var p = 0u; p < STRIP; p++) {
                if row < params.band && first + row < geometry.y_shape.z && column + p < geometry.y_shape.w {
                    var sums = vec4<i32>(acc[(DEPTH * STRIP + p) * WIDTH + t] * 3.5527137e-15) + bias[t]; // 2^-48
                    if ASYMMETRIC { sums -= zero[t] * vec4<i32>(x_sums[(DEPTH * STRIP + p) * WIDTH + t] * 5.9604645e-8); } // 2^-24
                    let pixel = (n * geometry.y_shape.z + first + row) * geometry.y_shape.w + column + p;
                    if SUMS {
                        let channel = 4u * (word + t);
                        // @unroll
                        for (var j = 0u; j < 4u; j++) {
                            if channel + j < geometry.y_shape.y {
                                y[pixel * geometry.y_shape.y + channel + j] = bitcast<u32>(sums[j]);
                            }
                        }
                    } else {
                        let at = pixel * params.words + word + t;
                        var added = 0u;
                        if HAS_RESIDUAL { added = residual[at]; }
                        y[at] = steps(sums, multiplier[t], added);
                    }
                }
            }
        }
        // @unroll
        for (var i = 0u; i < DEPTH * STRIP * WIDTH; i++) {
            acc[(DEPTH + 1u) * STRIP * WIDTH - 1u - i] = acc[DEPTH * STRIP * WIDTH - 1u - i];
            if ASYMMETRIC { x_sums[(DEPTH + 1u) * STRIP * WIDTH - 1u - i] = x_sums[DEPTH * STRIP * WIDTH - 1u - i]; }
        }
        // @unroll
        for (var i = 0u; i < STRIP * WIDTH; i++) {
            acc[i] = vec4<f32>();
            if ASYMMETRIC { x_sums[i] = vec4<f32>(); }
        }
    }
}

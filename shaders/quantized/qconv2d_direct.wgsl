// y[n,oh,ow,o] = steps(Σ_{kh,kw,c} x[n, oh*sh - ph + kh*dh, ow*sw - pw + kw*dw, c] * w[o,c,kh,kw]) of bytes by their definition,
// four products at a time (dot4I8Packed), on any device; steps() is said in qconv2d_constants.wgsl.
//
// Layouts: channels-last. x is [N,H,W,G,INPUT_WORDS] in words of four input channels, y [N,OH,OW,G,OUTPUT_WORDS] in words of
//   four output channels, or with SUMS i32 [N,OH,OW,O]. The weight is packed [G][KH,KW][INPUT_WORDS][4*OUTPUT_WORDS], a word four
//   input channels (qconv2d_pack_weight.wgsl). constants are three vec4s for each word of output channels.
// Threads: one pixel and one word of output channels each; workgroups are folded over the grid's axes.
// Limits: 5 storage buffers, no workgroup memory. A dilated window has fewer than 65,536 taps and words (loops of Mesa before 23).

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
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
    count: u32, // words of y
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
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read> weight: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> constants: array<vec4<i32>>;
@group(0) @binding(4) var<storage, read> residual: array<u32>;
@group(0) @binding(5) var<storage, read_write> y: array<u32>;

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
    let all = geometry.groups * params.output_words;
    let word = i % all;
    let pixel = i / all;
    let conv_group = word / params.output_words;
    let n = pixel / (geometry.y_shape.z * geometry.y_shape.w);
    let row = pixel / geometry.y_shape.w;
    // The input position of tap (0,0); a negative one wraps and so lies outside as well.
    let top = (row - n * geometry.y_shape.z) * geometry.stride.x - geometry.padding.x;
    let left = (pixel - row * geometry.y_shape.w) * geometry.stride.y - geometry.padding.y;
    let pixel_words = geometry.groups * params.input_words;
    let taps = geometry.w_shape.z * geometry.w_shape.w;
    var at = conv_group * taps * params.input_words * params.output_words + word - conv_group * params.output_words;
    var sums = vec4<i32>();
    var weighed = 0;
    for (var tap = 0u; tap < taps; tap++) {
        let kh = tap / geometry.w_shape.w;
        let ih = top + kh * geometry.dilation.x;
        let iw = left + (tap - kh * geometry.w_shape.w) * geometry.dilation.y;
        let inside = ih < geometry.x_shape.z && iw < geometry.x_shape.w;
        let base = ((n * geometry.x_shape.z + ih) * geometry.x_shape.w + iw) * pixel_words + conv_group * params.input_words;
        for (var c = 0u; c < params.input_words; c++) {
            let four = select(params.padding_word, x[select(0u, base + c, inside)], inside) ^ params.flip;
            let w = weight[at];
            sums += vec4(dot4I8Packed(four, w.x), dot4I8Packed(four, w.y), dot4I8Packed(four, w.z), dot4I8Packed(four, w.w));
            if (ASYMMETRIC) {
                weighed += dot4I8Packed(four, 0x01010101u);
            }
            at += params.output_words;
        }
    }
    sums += constants[3u * word] - constants[3u * word + 2u] * weighed;
    if (SUMS) {
        let outputs = geometry.y_shape.y / geometry.groups;
        let channel = 4u * (word - conv_group * params.output_words);
        for (var j = 0u; j < 4u; j++) {
            if (channel + j < outputs) {
                y[pixel * geometry.y_shape.y + conv_group * outputs + channel + j] = bitcast<u32>(sums[j]);
            }
        }
        return;
    }
    var added = 0u;
    if (HAS_RESIDUAL) {
        added = residual[i];
    }
    y[i] = steps(sums, bitcast<vec4<f32>>(constants[3u * word + 1u]), added);
}

// y[n,oy,ox,c] = clamp(round(s * multiplier[k]) + y_zero, low, high) of bytes, half to even, where s is the sum of x - x_zero over
// the taps of a window that lie in the image, and k the number of taps that count.
//
// Layouts: x and y channels-last, four channels in a word. Pairs are height and width. Entry k of multiplier is the scale of x
//   by that of y and by k: a division would not have the same bits everywhere.
// Threads: VECTORS words of y each, LANES apart; workgroups are folded over the grid's axes.
// Limits: 3 storage buffers, no workgroup memory; at most 65,536 taps.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 32u; // @const distance of a thread's words: threads of a subgroup stay together
const VECTORS: u32 = 1u; // @const words of a thread
const SIGNED: bool = true; // @const bytes of x have a sign
const PADDING_COUNTS: bool = false; // @const taps in the padding count

struct Params {
    input: vec2<u32>,
    output: vec2<u32>,
    kernel: vec2<u32>,
    stride: vec2<u32>,
    padding: vec2<u32>,
    dilation: vec2<u32>,
    words: u32, // of a pixel
    count: u32, // words of y
    x_zero: i32,
    y_zero: i32,
    low: f32, // of the result, less its zero point
    high: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read> multiplier: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<u32>;

/// The four bytes of a word.
fn bytes(word: u32, is_signed: bool) -> vec4<i32> {
    let high = vec4(word) << vec4(24u, 16u, 8u, 0u);
    return select(bitcast<vec4<i32>>(high >> vec4(24u)), bitcast<vec4<i32>>(high) >> vec4(24u), is_signed);
}

/// Four numbers within the limits, less the zero point, as bytes in a word.
fn packed(numbers: vec4<i32>) -> u32 {
    let b = bitcast<vec4<u32>>(numbers + params.y_zero) & vec4(255u);
    return b.x | (b.y << 8u) | (b.z << 16u) | (b.w << 24u);
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let t = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    let begin = t / LANES * (LANES * VECTORS) + t % LANES;
    let end = min(begin + LANES * VECTORS, params.count);
    for (var i = begin; i < end; i += LANES) {
        let word = i % params.words;
        let pixel = i / params.words;
        let row = pixel / params.output.y;
        let image = row / params.output.x;
        let start = vec2(row - image * params.output.x, pixel - row * params.output.y) * params.stride;
        let base = image * params.input.x * params.input.y;
        var sum = vec4<i32>();
        var counted = 0u;
        for (var ky = 0u; ky < params.kernel.x; ky++) {
            for (var kx = 0u; kx < params.kernel.y; kx++) {
                let padded = start + vec2(ky, kx) * params.dilation;
                // What lies in the padding wraps, or is beyond the image.
                let at = padded - params.padding;
                let inside = at.x < params.input.x && at.y < params.input.y;
                if (inside) {
                    sum += bytes(x[(base + at.x * params.input.y + at.y) * params.words + word], SIGNED) - params.x_zero;
                }
                if (PADDING_COUNTS) {
                    let extent = params.input + 2u * params.padding;
                    counted += u32(padded.x < extent.x && padded.y < extent.y);
                } else {
                    counted += u32(inside);
                }
            }
        }
        let steps = round(vec4<f32>(sum) * multiplier[counted]);
        y[i] = packed(vec4<i32>(clamp(steps, vec4(params.low), vec4(params.high))));
    }
}

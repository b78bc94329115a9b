// y[n, oy, ox, c] = mean of x[n, iy, ix, c] over ⌊oy·H/OH⌋ ≤ iy < ⌈(oy + 1)·H/OH⌉, and ix likewise.
//
// Layouts: x and y channels-last (N H W C). Pairs are height and width.
// Threads: VECTORS VALUEs of y each (four channels of a pixel, or one), LANES apart, channels fastest.
//   Global averages of large images have too few outputs for that: they go through sum_rows.
// Limits: 2 storage buffers, no workgroup memory. H·OH and W·OW fit 31 bits.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 32u; // @const distance of a thread's VALUEs: threads of a subgroup stay together
const VECTORS: u32 = 1u; // @const VALUEs of a thread
alias VALUE = vec4<f32>; // @const f32 where the channels are no multiple of four

struct Params {
    input: vec2<u32>,
    output: vec2<u32>,
    by_channels: vec2<u32>, // magic numbers and shifts for `quotient`
    by_input_height: vec2<u32>,
    by_input_width: vec2<u32>,
    by_output_height: vec2<u32>,
    by_output_width: vec2<u32>,
    channels: u32, // VALUEs in a pixel
    count: u32, // VALUEs of y
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<VALUE>;
@group(0) @binding(2) var<storage, read_write> y: array<VALUE>;

// n / d for n < 2^31, where `by` is the magic number of d and its shift: an integer division is tens of instructions on a
// GPU and one lane after the other on a CPU (Granlund and Montgomery, Division by invariant integers, PLDI 1994).
fn quotient(n: u32, by: vec2<u32>) -> u32 {
    let low = n & 0xffffu;
    let high = n >> 16u;
    let middle = high * (by.x & 0xffffu) + ((low * (by.x & 0xffffu)) >> 16u);
    let rest = (middle & 0xffffu) + low * (by.x >> 16u);
    return (high * (by.x >> 16u) + (middle >> 16u) + (rest >> 16u) + n) >> by.y;
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    // Read once: as far as a driver knows, a store may change them.
    let p = params;
    let t = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    let begin = t / LANES * (LANES * VECTORS) + t % LANES;
    let behind = min(begin + LANES * VECTORS, p.count);
    for (var i = begin; i < behind; i += LANES) {
        let pixel = quotient(i, p.by_channels);
        let channel = i - pixel * p.channels;
        let row = quotient(pixel, p.by_output_width);
        let image = quotient(row, p.by_output_height);
        let window = vec2(row - image * p.output.x, pixel - row * p.output.y);
        let low = window * p.input;
        let high = low + p.input + p.output - 1u;
        let first = vec2(quotient(low.x, p.by_output_height), quotient(low.y, p.by_output_width));
        let end = vec2(quotient(high.x, p.by_output_height), quotient(high.y, p.by_output_width));

        var sum = VALUE(0.0);
        for (var iy = first.x; iy < end.x; iy++) {
            let base = (image * p.input.x + iy) * p.input.y;
            var row_sum = VALUE(0.0);
            for (var ix = first.y; ix < end.y; ix++) {
                row_sum += x[(base + ix) * p.channels + channel];
            }
            sum += row_sum;
        }
        let extent = end - first;
        y[i] = sum / f32(extent.x * extent.y);
    }
}

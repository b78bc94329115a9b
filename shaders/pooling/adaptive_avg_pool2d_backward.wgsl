// grad_x[n, iy, ix, c] = Σ grad_y[n, oy, ox, c] / (pixels of window (oy, ox)) over the windows that hold (iy, ix):
// ⌊iy·OH/H⌋ ≤ oy < ⌈(iy + 1)·OH/H⌉, and ox likewise.
//
// Layouts: grad_y and grad_x channels-last (N H W C). Pairs are height and width.
// Threads: VECTORS VALUEs of grad_x each (four channels of a pixel, or one), LANES apart, channels fastest.
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
    count: u32, // VALUEs of grad_x
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> grad_y: array<VALUE>;
@group(0) @binding(2) var<storage, read_write> grad_x: array<VALUE>;

// n / d for n < 2^31, where `by` is the magic number of d and its shift: an integer division is tens of instructions on a
// GPU and one lane after the other on a CPU (Granlund and Montgomery, Division by invariant integers, PLDI 1994).
fn quotient(n: u32, by: vec2<u32>) -> u32 {
    let low = n & 0xffffu;
    let high = n >> 16u;
    let middle = high * (by.x & 0xffffu) + ((low * (by.x & 0xffffu)) >> 16u);
    let rest = (middle & 0xffffu) + low * (by.x >> 16u);
    return (high * (by.x >> 16u) + (middle >> 16u) + (rest >> 16u) + n) >> by.y;
}

fn window_pixels(p: Params, window: vec2<u32>) -> f32 {
    let low = window * p.input;
    let high = low + p.input + p.output - 1u;
    let first = vec2(quotient(low.x, p.by_output_height), quotient(low.y, p.by_output_width));
    let end = vec2(quotient(high.x, p.by_output_height), quotient(high.y, p.by_output_width));
    return f32((end.x - first.x) * (end.y - first.y));
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
        let row = quotient(pixel, p.by_input_width);
        let image = quotient(row, p.by_input_height);
        let here = vec2(row - image * p.input.x, pixel - row * p.input.y);
        let low = here * p.output;
        let high = low + p.output + p.input - 1u;
        let first = vec2(quotient(low.x, p.by_input_height), quotient(low.y, p.by_input_width));
        let end = vec2(quotient(high.x, p.by_input_height), quotient(high.y, p.by_input_width));

        var sum = VALUE(0.0);
        for (var oy = first.x; oy < end.x; oy++) {
            for (var ox = first.y; ox < end.y; ox++) {
                let at = ((image * p.output.x + oy) * p.output.y + ox) * p.channels + channel;
                sum += grad_y[at] / window_pixels(p, vec2(oy, ox));
            }
        }
        grad_x[i] = sum;
    }
}

// grad_x[n, iy, ix, c] = Σ grad_y[n, oy, ox, c] over the windows whose maximum was found at (iy, ix).
//
// Layouts: indices, grad_y and grad_x channels-last (N H W C). Pairs are height and width.
// Threads: VECTORS VALUEs of grad_x each (four channels of a pixel, or one), LANES apart; it looks at every window that can
//   cover its pixel and takes those whose index names it: a gather, so overlapping windows need no atomics and the order of the
//   sum is fixed.
// Limits: 3 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 32u; // @const distance of a thread's VALUEs: threads of a subgroup stay together
const VECTORS: u32 = 1u; // @const VALUEs of a thread
alias VALUE = vec4<f32>; // @const f32 where the channels are no multiple of four
alias INDEX = vec4<i32>; // @const i32 along with it

struct Params {
    input: vec2<u32>,
    output: vec2<u32>,
    kernel: vec2<u32>,
    stride: vec2<u32>,
    padding: vec2<u32>,
    dilation: vec2<u32>,
    by_channels: vec2<u32>, // magic number and shift of `channels`
    by_height: vec2<u32>, // those of grad_x
    by_width: vec2<u32>,
    by_stride_height: vec2<u32>,
    by_stride_width: vec2<u32>,
    channels: u32, // VALUEs in a pixel
    count: u32, // VALUEs of grad_x
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> indices: array<INDEX>;
@group(0) @binding(2) var<storage, read> grad_y: array<VALUE>;
@group(0) @binding(3) var<storage, read_write> grad_x: array<VALUE>;

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
        let row = quotient(pixel, p.by_width);
        let image = quotient(row, p.by_height);
        let here = vec2(row - image * p.input.x, pixel - row * p.input.y);

        // Windows before `first` end before this pixel, and those from `end` on start behind it.
        let padded = here + p.padding;
        let reach = (p.kernel - 1u) * p.dilation;
        let late = max(padded, reach) - reach + p.stride - 1u;
        let first = vec2(quotient(late.x, p.by_stride_height), quotient(late.y, p.by_stride_width));
        let last = vec2(quotient(padded.x, p.by_stride_height), quotient(padded.y, p.by_stride_width));
        let end = min(p.output, last + 1u);

        let own = INDEX(i32(here.x * p.input.y + here.y));
        var sum = VALUE(0.0);
        for (var oy = first.x; oy < end.x; oy++) {
            for (var ox = first.y; ox < end.y; ox++) {
                let at = ((image * p.output.x + oy) * p.output.y + ox) * p.channels + channel;
                sum += select(VALUE(0.0), grad_y[at], indices[at] == own);
            }
        }
        grad_x[i] = sum;
    }
}

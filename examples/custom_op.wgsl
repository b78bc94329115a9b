// y = scale[c] · x · tanh(log(1 + exp(x))): Mish (Misra, arXiv 1908.08681) with a learnt factor for each channel.
//
// Layouts: x and y [N, C] or channels-last N H W C, so that the channel is the fastest axis; scale [C].
// Threads: one for each element; workgroups are folded over the grid's axes.
// Limits: 3 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup

struct Params {
    count: u32,
    channels: u32,
    factor: f32, // of all channels
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> scale: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

// tanh(log(1 + exp(x))) without an exponential that overflows.
fn gate(x: f32) -> f32 {
    let e = exp(-abs(x));
    let above = (1.0 + 2.0 * e) / (1.0 + 2.0 * e + 2.0 * e * e);
    let below = e * (e + 2.0) / (e * (e + 2.0) + 2.0);
    return select(below, above, x >= 0.0);
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let i = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    if (i < params.count) {
        y[i] = params.factor * scale[i % params.channels] * x[i] * gate(x[i]);
    }
}

// grad_x[i] = f(y[i], grad_y[i], sum[line of i]), f from the slot: y · (grad_y − Σ grad_y · y) for a softmax, and
// grad_y − exp(y) · Σ grad_y for its logarithm. The sums come from a reduction along the lines.
//
// Layouts: y, grad_y and grad_x are before × along × after in memory, and a line runs along the middle.
// Threads: one element each; workgroups are folded over the grid's axes.
// Limits: 4 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup

struct Params {
    count: u32,
    along: u32,
    after: u32,
    pad: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> y: array<f32>;
@group(0) @binding(2) var<storage, read> grad_y: array<f32>;
@group(0) @binding(3) var<storage, read> sums: array<f32>;
@group(0) @binding(4) var<storage, read_write> grad_x: array<f32>;

// @slot softmax_gradient
fn softmax_gradient(y: f32, grad_y: f32, sum: f32) -> f32 {
    return y * (grad_y - sum);
}
// @end

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
    let sum = sums[i / (params.along * params.after) * params.after + i % params.after];
    grad_x[i] = softmax_gradient(y[i], grad_y[i], sum);
}

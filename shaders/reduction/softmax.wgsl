// y[i] = f(x[i] − m, Σ) with the pair (m, Σ) that `log_sum_exp` found for the line of i; f, from the slot, is a softmax
// or its logarithm.
//
// Layouts: x and y are before × along × after in memory, and a line runs along the middle.
// Threads: one element each; workgroups are folded over the grid's axes.
// Limits: 3 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup

struct Params {
    count: u32,
    along: u32,
    after: u32,
    pad: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> lines: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

// @slot softmax_value
fn softmax_value(distance: f32, sum: f32) -> f32 {
    return exp(distance) / sum;
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
    let pair = lines[i / (params.along * params.after) * params.after + i % params.after];
    y[i] = softmax_value(x[i] - pair.x, pair.y);
}

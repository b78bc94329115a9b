// p ← p − lr · (g + weight_decay · p), in place: stochastic gradient descent without momentum.
//
// Layouts: any; all tensors alike.
// Threads: one vec4 each; workgroups are folded over the grid's axes.
// Limits: 2 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup

struct Params {
    vectors: u32, // ceil(count / 4)
    lr: f32,
    weight_decay: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gradient: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> parameter: array<vec4<f32>>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let i = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    if (i >= params.vectors) {
        return;
    }
    let p = parameter[i];
    parameter[i] = p - params.lr * (gradient[i] + params.weight_decay * p);
}

// mask[i] = 1 where x[i] is the extremum y[i] of its group, else 0: the share of a maximum's gradient before it is
// divided among equal elements.
//
// Layouts: any, by strides; a reduced axis of y has stride 0. The mask is dense, its axes in the order of its memory.
// Threads: one element each; the index is taken apart from the fastest axis on.
// Limits: 3 storage buffers; up to 8 axes, of which the host merges those that it can.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const RANK: u32 = 4u; // @const axes left after merging

struct Params {
    shape: array<vec4<u32>, 2>,
    x_strides: array<vec4<u32>, 2>,
    y_strides: array<vec4<u32>, 2>,
    count: u32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> y: array<f32>;
@group(0) @binding(3) var<storage, read_write> mask: array<f32>;

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
    var rest = i;
    var x_at = 0u;
    var y_at = 0u;
    // @unroll
    for (var step = 0u; step < RANK; step++) {
        let axis = RANK - 1u - step;
        let extent = params.shape[axis / 4u][axis % 4u];
        let index = rest % extent;
        rest = rest / extent;
        x_at += index * params.x_strides[axis / 4u][axis % 4u];
        y_at += index * params.y_strides[axis / 4u][axis % 4u];
    }
    mask[i] = select(0.0, 1.0, x[x_at] == y[y_at]);
}

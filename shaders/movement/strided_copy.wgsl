// y[y_offset + Σ i·y_stride] = x[x_offset + Σ i·x_stride] over every index of a box: permute, slice, concat, pad,
// expand and changes of layout are all this copy with other numbers.
//
// Layouts: any, by strides; elements are 32 bits of any type. Strides and offsets may be negative in effect: they are
//   added modulo 2^32.
// Threads: one element each, the fastest axis of y first, so that neighbours write neighbours.
// Limits: 2 storage buffers; up to 8 axes, of which the host merges those that it can.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const RANK: u32 = 4u; // @const axes left after merging

struct Params {
    shape: array<vec4<u32>, 2>,
    x_strides: array<vec4<u32>, 2>,
    y_strides: array<vec4<u32>, 2>,
    count: u32,
    x_offset: u32,
    y_offset: u32,
    pad: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;

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
    var x_at = params.x_offset;
    var y_at = params.y_offset;
    // @unroll
    for (var step = 0u; step < RANK; step++) {
        let axis = RANK - 1u - step;
        let extent = params.shape[axis / 4u][axis % 4u];
        let index = rest % extent;
        rest = rest / extent;
        x_at += index * params.x_strides[axis / 4u][axis % 4u];
        y_at += index * params.y_strides[axis / 4u][axis % 4u];
    }
    y[y_at] = x[x_at];
}

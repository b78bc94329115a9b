// grad_x[o, indices[o, j, n], n] = grad_y[o, j, n]; grad_x is 0 elsewhere, which is written before.
//
// Layouts: grad_y and indices are before × kept × after, grad_x is before × along × after; elements are 32 bits of any type.
// Threads: one element of grad_y each. The indices along an axis differ, so that no two threads write one place; an index
//   outside the axis is left out.
// Limits: 3 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup

struct Params {
    count: u32, // elements of grad_y
    kept: u32, // of a line of grad_y
    along: u32, // of a line of grad_x
    after: u32, // distance of a line's elements
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> grad_y: array<u32>;
@group(0) @binding(2) var<storage, read> indices: array<u32>;
@group(0) @binding(3) var<storage, read_write> grad_x: array<u32>;

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
    let place = indices[i];
    if (place < params.along) {
        let outer = i / (params.kept * params.after);
        grad_x[(outer * params.along + place) * params.after + i % params.after] = grad_y[i];
    }
}

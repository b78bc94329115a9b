// y[i] = bits, the 32 bits of any type.
//
// Threads: one vec4 each; workgroups are folded over the grid's axes.
// Limits: 1 storage buffer, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup

struct Params {
    vectors: u32, // ceil(count / 4)
    bits: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<u32>>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let i = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    if (i < params.vectors) {
        y[i] = vec4(params.bits);
    }
}

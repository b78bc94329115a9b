// y[i] = the low 8 bits of x[i], an i32 or u32: what lies outside the byte's range wraps, as a cast of integers does in
// ONNX Runtime and PyTorch (300 becomes 44). Four bytes of y lie in a word, the first one lowest.
//
// Layouts: any; x and y have the same layout, and both are rounded up to whole vec4s by the allocation.
// Threads: one word of y each, a vec4 of x; workgroups are folded over the grid's axes.
// Limits: 2 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup

struct Params {
    words: u32, // ceil(count / 4)
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let i = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    if (i >= params.words) {
        return;
    }
    let bytes = (x[i] & vec4(255u)) << vec4(0u, 8u, 16u, 24u);
    y[i] = bytes.x | bytes.y | bytes.z | bytes.w;
}

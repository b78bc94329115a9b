// y[i] = f(x[i]) for every element, f from the slot.
//
// Layouts: any; x and y have the same layout, and `count` is rounded up to whole vec4s by the allocation, whose tail
//   nobody reads.
// Threads: one vec4 each; workgroups are folded over the grid's axes.
// Limits: 2 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup

struct Params {
    vectors: u32, // ceil(count / 4)
    p0: f32,
    p1: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;

// @slot unary
fn unary(x: f32, p: vec2<f32>) -> f32 {
    return x;
}
// @end

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
    let p = vec2(params.p0, params.p1);
    let v = x[i];
    y[i] = vec4(unary(v.x, p), unary(v.y, p), unary(v.z, p), unary(v.w, p));
}

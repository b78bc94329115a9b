// y[i] = g(f(a[i], b[i])) for two tensors of one shape and one layout; f is a binary function, g an activation of its result
// (none, or what a residual block ends with), each from its slot.
//
// Layouts: any; all three are the same.
// Threads: VECTORS vec4s each, LANES apart; workgroups are folded over the grid's axes.
// Limits: 3 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 32u; // @const distance of a thread's vec4s: threads of a subgroup stay together
const VECTORS: u32 = 1u; // @const vec4s of a thread

struct Params {
    vectors: u32, // ceil(count / 4)
    p0: f32, // of the activation
    p1: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> b: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4<f32>>;

// @slot binary
fn binary(a: f32, b: f32) -> f32 {
    return a;
}
// @end

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
    let t = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    let start = t / LANES * (LANES * VECTORS) + t % LANES;
    let end = min(start + LANES * VECTORS, params.vectors);
    let p = vec2(params.p0, params.p1);
    for (var i = start; i < end; i += LANES) {
        let u = a[i];
        let v = b[i];
        let w = vec4(binary(u.x, v.x), binary(u.y, v.y), binary(u.z, v.z), binary(u.w, v.w));
        y[i] = vec4(unary(w.x, p), unary(w.y, p), unary(w.z, p), unary(w.w, p));
    }
}

// grad_x[i] = grad_y[i] · f'(x[i]) for every element, f' from the slot.
//
// Layouts: any; the three tensors have the same layout.
// Threads: VECTORS vec4s each, LANES apart; workgroups are folded over the grid's axes.
// Limits: 3 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 32u; // @const distance of a thread's vec4s: threads of a subgroup stay together
const VECTORS: u32 = 1u; // @const vec4s of a thread

struct Params {
    vectors: u32, // ceil(count / 4)
    p0: f32,
    p1: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> grad_y: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> grad_x: array<vec4<f32>>;

// @slot unary_derivative
fn unary_derivative(x: f32, p: vec2<f32>) -> f32 {
    return 1.0;
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
        let v = x[i];
        let slope = vec4(
            unary_derivative(v.x, p),
            unary_derivative(v.y, p),
            unary_derivative(v.z, p),
            unary_derivative(v.w, p),
        );
        grad_x[i] = grad_y[i] * slope;
    }
}

// grad_a[i] = grad_y[i] · ∂f/∂a(a[i], b[i]) and grad_b[i] = grad_y[i] · ∂f/∂b(a[i], b[i]), in the shape of y: what was
// broadcast is summed afterwards.
//
// Layouts: a and b by strides (0 along what is broadcast); grad_y, grad_a, grad_b are dense and lie alike, their axes in
//   the order of memory (slowest first).
// Threads: one element each; the index is taken apart from the fastest axis on.
// Limits: 5 storage buffers; up to 8 axes, of which the host merges those that it can.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const RANK: u32 = 4u; // @const axes left after merging
const WRITE_A: bool = true; // @const whether grad_a is wanted
const WRITE_B: bool = true; // @const whether grad_b is wanted

struct Params {
    shape: array<vec4<u32>, 2>,
    a_strides: array<vec4<u32>, 2>,
    b_strides: array<vec4<u32>, 2>,
    count: u32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read> grad_y: array<f32>;
@group(0) @binding(4) var<storage, read_write> grad_a: array<f32>;
@group(0) @binding(5) var<storage, read_write> grad_b: array<f32>;

// @slot binary_derivative
// ∂f/∂a and ∂f/∂b.
fn binary_derivative(a: f32, b: f32) -> vec2<f32> {
    return vec2(1.0, 0.0);
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
    var rest = i;
    var a_at = 0u;
    var b_at = 0u;
    // @unroll
    for (var step = 0u; step < RANK; step++) {
        let axis = RANK - 1u - step;
        let extent = params.shape[axis / 4u][axis % 4u];
        let index = rest % extent;
        rest = rest / extent;
        a_at += index * params.a_strides[axis / 4u][axis % 4u];
        b_at += index * params.b_strides[axis / 4u][axis % 4u];
    }
    let slopes = binary_derivative(a[a_at], b[b_at]);
    if (WRITE_A) {
        grad_a[i] = grad_y[i] * slopes.x;
    }
    if (WRITE_B) {
        grad_b[i] = grad_y[i] * slopes.y;
    }
}

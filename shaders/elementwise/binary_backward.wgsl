// grad_a[i] = grad_y[i] · ∂f/∂a(a[i], b[i]) and grad_b[i] = grad_y[i] · ∂f/∂b(a[i], b[i]), in the shape of y: what was
// broadcast is summed afterwards.
//
// Layouts: a and b by strides (0 along what is broadcast); grad_y, grad_a, grad_b are dense and lie alike, their axes in
//   the order of memory (slowest first).
// Threads: STEP elements of the fastest axis each; the index is split into coordinates once for all of them.
// Limits: 5 storage buffers; up to 8 axes, of which the host merges those that it can.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const RANK: u32 = 4u; // @const axes left after merging
const STEP: u32 = 1u; // @const elements of the fastest axis that one thread computes
const MASKS: bool = false; // @const whether a slope of 0 stops any gradient, an infinite one too
const WRITE_A: bool = true; // @const whether grad_a is wanted
const WRITE_B: bool = true; // @const whether grad_b is wanted

struct Params {
    shape: array<vec4<u32>, 2>, // the fastest axis in steps
    magic: array<vec4<u32>, 2>, // for division by the extents
    shift: array<vec4<u32>, 2>,
    a_strides: array<vec4<u32>, 2>,
    b_strides: array<vec4<u32>, 2>,
    count: u32, // steps in all
    a_inner: u32, // strides of the fastest axis
    b_inner: u32,
    p0: f32, // unused: the parameters are those of binary_broadcast
    p1: f32,
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

// n / d for n < 2^31, where `magic` and `shift` belong to d: an integer division is tens of instructions on a GPU and one
// lane after the other on a CPU (Granlund and Montgomery, Division by invariant integers, PLDI 1994).
fn quotient(n: u32, magic: u32, shift: u32) -> u32 {
    let low = n & 0xffffu;
    let high = n >> 16u;
    let middle = high * (magic & 0xffffu) + ((low * (magic & 0xffffu)) >> 16u);
    let rest = (middle & 0xffffu) + low * (magic >> 16u);
    return (high * (magic >> 16u) + (middle >> 16u) + (rest >> 16u) + n) >> shift;
}

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
        let next = quotient(rest, params.magic[axis / 4u][axis % 4u], params.shift[axis / 4u][axis % 4u]);
        let index = rest - next * params.shape[axis / 4u][axis % 4u];
        rest = next;
        a_at += index * params.a_strides[axis / 4u][axis % 4u];
        b_at += index * params.b_strides[axis / 4u][axis % 4u];
    }
    // @unroll
    for (var j = 0u; j < STEP; j++) {
        let at = i * STEP + j;
        let slopes = binary_derivative(a[a_at + j * params.a_inner], b[b_at + j * params.b_inner]);
        var grads = grad_y[at] * slopes;
        if (MASKS) {
            grads = select(grads, vec2(0.0), slopes == vec2(0.0));
        }
        if (WRITE_A) {
            grad_a[at] = grads.x;
        }
        if (WRITE_B) {
            grad_b[at] = grads.y;
        }
    }
}

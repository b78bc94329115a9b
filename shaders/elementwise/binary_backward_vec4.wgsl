// grad_a[i] = grad_y[i] · ∂f/∂a(a[i], b[i]) and grad_b[i] = grad_y[i] · ∂f/∂b(a[i], b[i]), as binary_backward, where the
// fastest axis is whole vec4s: of each operand it is contiguous, or one element stands for all of it.
//
// Layouts: a and b by strides, which count vec4s of a contiguous operand and elements of a splat one; grad_y, grad_a,
//   grad_b are dense and lie alike, their axes in the order of memory (slowest first).
// Threads: VECTORS vec4s of the fastest axis each, LANES apart; workgroups are folded over the grid's axes.
// Limits: 5 storage buffers; up to 8 axes, of which the host merges those that it can.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 32u; // @const distance of a thread's vec4s: threads of a subgroup stay together
const VECTORS: u32 = 1u; // @const vec4s of a thread
const RANK: u32 = 4u; // @const axes left after merging
const A_SPLAT: bool = false; // @const whether a has one element for all of the fastest axis, and not vec4s
const B_SPLAT: bool = false; // @const likewise b
const MASKS: bool = false; // @const whether a slope of 0 stops any gradient, an infinite one too
const WRITE_A: bool = true; // @const whether grad_a is wanted
const WRITE_B: bool = true; // @const whether grad_b is wanted

struct Params {
    shape: array<vec4<u32>, 2>, // the fastest axis in vec4s
    magic: array<vec4<u32>, 2>, // for division by the extents
    shift: array<vec4<u32>, 2>,
    a_strides: array<vec4<u32>, 2>,
    b_strides: array<vec4<u32>, 2>,
    count: u32, // vec4s in all
    a_inner: u32, // unused: the parameters are those of binary_broadcast
    b_inner: u32,
    p0: f32,
    p1: f32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> b: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> grad_y: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> grad_a: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> grad_b: array<vec4<f32>>;

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

fn load_a(at: u32) -> vec4<f32> {
    if (A_SPLAT) {
        return vec4(a[at / 4u][at % 4u]);
    }
    return a[at];
}

fn load_b(at: u32) -> vec4<f32> {
    if (B_SPLAT) {
        return vec4(b[at / 4u][at % 4u]);
    }
    return b[at];
}

fn masked(g: vec4<f32>, slope: vec4<f32>) -> vec4<f32> {
    if (MASKS) {
        return select(g * slope, vec4(0.0), slope == vec4(0.0));
    }
    return g * slope;
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let t = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    let start = t / LANES * (LANES * VECTORS) + t % LANES;
    let end = min(start + LANES * VECTORS, params.count);
    // Read once: as far as a driver knows, a store may change them.
    var shape = params.shape;
    var magic = params.magic;
    var shift = params.shift;
    var a_strides = params.a_strides;
    var b_strides = params.b_strides;
    for (var i = start; i < end; i += LANES) {
        var rest = i;
        var a_at = 0u;
        var b_at = 0u;
        // The slowest axis takes what is left of the index.
        // @unroll
        for (var step = 1u; step < RANK; step++) {
            let axis = RANK - step;
            let next = quotient(rest, magic[axis / 4u][axis % 4u], shift[axis / 4u][axis % 4u]);
            let index = rest - next * shape[axis / 4u][axis % 4u];
            rest = next;
            a_at += index * a_strides[axis / 4u][axis % 4u];
            b_at += index * b_strides[axis / 4u][axis % 4u];
        }
        let u = load_a(a_at + rest * a_strides[0].x);
        let v = load_b(b_at + rest * b_strides[0].x);
        let g = grad_y[i];
        let x = binary_derivative(u.x, v.x);
        let y = binary_derivative(u.y, v.y);
        let z = binary_derivative(u.z, v.z);
        let w = binary_derivative(u.w, v.w);
        if (WRITE_A) {
            grad_a[i] = masked(g, vec4(x.x, y.x, z.x, w.x));
        }
        if (WRITE_B) {
            grad_b[i] = masked(g, vec4(x.y, y.y, z.y, w.y));
        }
    }
}

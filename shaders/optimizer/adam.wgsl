// With g = gradient + decay · p: m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g², then p ← p − step · m / (√v · root + eps), in
// place, where step = lr / (1 − β₁ᵗ) and root = 1 / √(1 − β₂ᵗ) come from the host (Kingma and Ba, arXiv 1412.6980).
//
// Layouts: any; all tensors alike.
// Threads: VECTORS vec4s each, LANES apart; workgroups are folded over the grid's axes.
// Limits: 4 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 32u; // @const distance of a thread's vec4s: threads of a subgroup stay together
const VECTORS: u32 = 1u; // @const vec4s of a thread

struct Params {
    vectors: u32, // ceil(count / 4)
    beta1: f32,
    rest1: f32, // 1 − β₁
    beta2: f32,
    rest2: f32, // 1 − β₂
    eps: f32,
    decay: f32, // of the L2 penalty
    step: f32,
    root: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gradient: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> parameter: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> first: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> second: array<vec4<f32>>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    // Read once: as far as a driver knows, a store may change them.
    let p = params;
    let t = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    let start = t / LANES * (LANES * VECTORS) + t % LANES;
    let end = min(start + LANES * VECTORS, p.vectors);
    for (var i = start; i < end; i += LANES) {
        let w = parameter[i];
        let g = gradient[i] + p.decay * w;
        let m = p.beta1 * first[i] + p.rest1 * g;
        let v = p.beta2 * second[i] + p.rest2 * g * g;
        first[i] = m;
        second[i] = v;
        parameter[i] = w - p.step * m / (sqrt(v) * p.root + p.eps);
    }
}

// With g = gradient + weight_decay · p: b ← g at the first step, later momentum · b + (1 − dampening) · g; then
// p ← p − lr · b, or by Nesterov's rule p ← p − lr · (g + momentum · b). In place (Sutskever et al., ICML 2013, in the form
// that PyTorch gives it: the learning rate is not in b).
//
// Layouts: any; all tensors alike.
// Threads: VECTORS vec4s each, LANES apart; workgroups are folded over the grid's axes.
// Limits: 3 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 32u; // @const distance of a thread's vec4s: threads of a subgroup stay together
const VECTORS: u32 = 1u; // @const vec4s of a thread

struct Params {
    vectors: u32, // ceil(count / 4)
    first: u32, // 1 at the first step, when b holds nothing yet
    nesterov: u32, // 1 or 0
    lr: f32,
    momentum: f32,
    undampened: f32, // 1 − dampening
    weight_decay: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gradient: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> parameter: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> buffer: array<vec4<f32>>;

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
        let g = gradient[i] + p.weight_decay * w;
        var b = g;
        // A branch, not a factor of 0: what the buffer holds before the first step may be no number.
        if (p.first == 0u) {
            b = p.momentum * buffer[i] + p.undampened * g;
        }
        buffer[i] = b;
        var direction = b;
        if (p.nesterov == 1u) {
            direction = g + p.momentum * b;
        }
        parameter[i] = w - p.lr * direction;
    }
}

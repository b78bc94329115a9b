// p ← p − lr · ‖p‖ / ‖u‖ · u, in place; norms[0] = ‖p‖ and norms[1] = ‖u‖. Where one of them is 0, the quotient is 1.
//
// Layouts: any; all tensors alike.
// Threads: VECTORS vec4s each, LANES apart; workgroups are folded over the grid's axes.
// Limits: 3 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 32u; // @const distance of a thread's vec4s: threads of a subgroup stay together
const VECTORS: u32 = 1u; // @const vec4s of a thread

struct Params {
    vectors: u32, // ceil(count / 4)
    lr: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> direction: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> parameter: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> norms: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    // Read once: as far as a driver knows, a store may change them.
    let p = params;
    var rate = p.lr;
    // A norm that is NaN is not equal to 0 and gets through.
    if (norms[0] != 0.0 && norms[1] != 0.0) {
        rate *= norms[0] / norms[1];
    }
    let t = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    let start = t / LANES * (LANES * VECTORS) + t % LANES;
    let end = min(start + LANES * VECTORS, p.vectors);
    for (var i = start; i < end; i += LANES) {
        parameter[i] -= rate * direction[i];
    }
}

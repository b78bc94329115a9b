// y[i] = bits, the 32 bits of any type.
//
// Threads: VECTORS vec4s each, in runs LANES apart; workgroups are folded over the grid's axes.
// Limits: 1 storage buffer, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 32u; // @const distance of a thread's vec4s: threads of a subgroup stay together
const VECTORS: u32 = 1u; // @const vec4s of a thread

struct Params {
    runs: u32, // ceil(count / (4 · VEC4S))
    bits: u32,
}

// @slot runs
alias Run = vec4<f32>;
const VEC4S: u32 = 1u;

fn numbers(r: Run) -> array<vec4<f32>, VEC4S> {
    return array<vec4<f32>, VEC4S>(r);
}

fn run(v: array<vec4<f32>, VEC4S>) -> Run {
    return v[0];
}
// @end

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> y: array<Run>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let t = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    let lane = t % LANES;
    let start = t / LANES * (LANES * VECTORS / VEC4S) + lane;
    let end = min(start + LANES * VECTORS / VEC4S, params.runs);
    var v: array<vec4<f32>, VEC4S>;
    // @unroll
    for (var j = 0u; j < VEC4S; j++) {
        v[j] = bitcast<vec4<f32>>(vec4(params.bits));
    }
    let value = run(v);
    for (var i = start; i < end; i += LANES) {
        y[i] = value;
    }
}

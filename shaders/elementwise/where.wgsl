// y[i] = a[i] where condition[i] is not 0, else b[i]: a choice, so that what is not chosen may be anything, NaN included.
//
// Layouts: any; all four lie alike.
// Threads: VECTORS vec4s each, in runs LANES apart, TURN of them in an iteration; workgroups are folded over the grid's axes.
// Limits: 7 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 32u; // @const distance of a thread's vec4s: threads of a subgroup stay together
const VECTORS: u32 = 1u; // @const vec4s of a thread
const TURN: u32 = 1u; // @const runs of a thread in an iteration; if more than one, no iteration is partial
const AHEAD: bool = false; // @const whether a thread touches a cache line of its subgroup's iteration first, which then has as many lines as threads

struct Params {
    runs: u32, // ceil(count / (4 · VEC4S))
    never: u32, // 0
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
@group(0) @binding(1) var<storage, read> condition: array<Run>;
@group(0) @binding(2) var<storage, read> a: array<Run>;
@group(0) @binding(3) var<storage, read> b: array<Run>;
@group(0) @binding(4) var<storage, read_write> y: array<Run>;
@group(0) @binding(5) var<storage, read> condition_lines: array<u32>; // all three again: a 64-bit word would wait for its line by itself
@group(0) @binding(6) var<storage, read> a_lines: array<u32>;
@group(0) @binding(7) var<storage, read> b_lines: array<u32>;

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
    var lines = 0u;
    for (var i = start; i < end; i += LANES * TURN) {
        if (AHEAD) {
            let at = (i - lane) * 4u * VEC4S + lane * 16u;
            lines |= condition_lines[at] | a_lines[at] | b_lines[at];
        }
        // @unroll
        for (var u = 0u; u < TURN; u++) {
            let c = numbers(condition[i + u * LANES]);
            let v = numbers(a[i + u * LANES]);
            var w = numbers(b[i + u * LANES]);
            // @unroll
            for (var j = 0u; j < VEC4S; j++) {
                // A NaN is not 0, and a comparison with it is false.
                w[j] = select(w[j], v[j], !(c[j] == vec4(0.0)));
            }
            y[i + u * LANES] = run(w);
        }
    }
    // The touched words must be used, or a compiler removes their loads.
    if (AHEAD && params.never != 0u) {
        var v: array<vec4<f32>, VEC4S>;
        v[0].x = bitcast<f32>(lines);
        y[0] = run(v);
    }
}

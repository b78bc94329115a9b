// y[i] = f32(x[i]) of halves that lie two to a word: works without the device's f16 arithmetic.
//
// Threads: VECTORS vec4s of y each, in runs LANES apart, TURN of them in an iteration; a vec4 is two words of x; workgroups are
//   folded over the grid's axes.
// Limits: 3 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 32u; // @const distance of a thread's vec4s: threads of a subgroup stay together
const VECTORS: u32 = 1u; // @const vec4s of a thread
const TURN: u32 = 1u; // @const runs of a thread in an iteration; if more than one, no iteration is partial
const AHEAD: bool = false; // @const whether a thread touches a cache line of its subgroup's iteration first, which then has half as many lines as threads

struct Params {
    runs: u32, // ceil(count / (4 · VEC4S))
    never: u32, // 0
}

// @slot half_runs
alias Run = vec4<f32>;
const VEC4S: u32 = 1u;

fn numbers(r: Run) -> array<vec4<f32>, VEC4S> {
    return array<vec4<f32>, VEC4S>(r);
}

fn run(v: array<vec4<f32>, VEC4S>) -> Run {
    return v[0];
}

// As many halves, two to a word.
alias HalfRun = vec2<u32>;

fn half_words(r: HalfRun) -> array<vec2<u32>, VEC4S> {
    return array<vec2<u32>, VEC4S>(r);
}

fn half_run(v: array<vec2<u32>, VEC4S>) -> HalfRun {
    return v[0];
}
// @end

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<HalfRun>;
@group(0) @binding(2) var<storage, read_write> y: array<Run>;
@group(0) @binding(3) var<storage, read> x_lines: array<u32>; // x again: a 64-bit word would wait for its line by itself

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
            lines |= x_lines[(i - lane) * 2u * VEC4S + lane * 8u];
        }
        // @unroll
        for (var u = 0u; u < TURN; u++) {
            let h = half_words(x[i + u * LANES]);
            var v: array<vec4<f32>, VEC4S>;
            // @unroll
            for (var j = 0u; j < VEC4S; j++) {
                v[j] = vec4(unpack2x16float(h[j].x), unpack2x16float(h[j].y));
            }
            y[i + u * LANES] = run(v);
        }
    }
    // The touched words must be used, or a compiler removes their loads.
    if (AHEAD && params.never != 0u) {
        var v: array<vec4<f32>, VEC4S>;
        v[0].x = bitcast<f32>(lines);
        y[0] = run(v);
    }
}

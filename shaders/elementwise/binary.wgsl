// y[i] = g(f(a[i], b[i])) for two tensors of one shape and one layout; f is a binary function, g an activation of its result
// (none, or what a residual block ends with), each from its slot.
//
// Layouts: any; all three are the same.
// Threads: VECTORS vec4s each, in runs LANES apart, TURN of them in an iteration; workgroups are folded over the grid's axes.
// Limits: 5 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 32u; // @const distance of a thread's vec4s: threads of a subgroup stay together
const VECTORS: u32 = 1u; // @const vec4s of a thread
const TURN: u32 = 1u; // @const runs of a thread in an iteration; if more than one, no iteration is partial
const OVER_A: bool = false; // @const a is what the result's memory holds; bind b in its place
const OVER_B: bool = false; // @const the same of b; not both
const AHEAD: bool = false; // @const whether a thread touches a cache line of its subgroup's iteration first, which then has as many lines as threads

struct Params {
    runs: u32, // ceil(count / (4 · VEC4S))
    p0: f32, // of the activation
    p1: f32,
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
@group(0) @binding(1) var<storage, read> a: array<Run>;
@group(0) @binding(2) var<storage, read> b: array<Run>;
@group(0) @binding(3) var<storage, read_write> y: array<Run>;
@group(0) @binding(4) var<storage, read> a_lines: array<u32>; // both again: a 64-bit word would wait for its line by itself
@group(0) @binding(5) var<storage, read> b_lines: array<u32>;

// @slot binary
fn binary(a: f32, b: f32) -> f32 {
    return a;
}
// @end

// @slot unary
fn unary(x: f32, p: vec2<f32>) -> f32 {
    return x;
}
// @end

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
    let p = vec2(params.p0, params.p1);
    var lines = 0u;
    for (var i = start; i < end; i += LANES * TURN) {
        if (AHEAD) {
            let at = (i - lane) * 4u * VEC4S + lane * 16u;
            lines |= a_lines[at] | b_lines[at];
        }
        // @unroll
        for (var u = 0u; u < TURN; u++) {
            var v: array<vec4<f32>, VEC4S>;
            var w: array<vec4<f32>, VEC4S>;
            if OVER_A { v = numbers(y[i + u * LANES]); } else { v = numbers(a[i + u * LANES]); }
            if OVER_B { w = numbers(y[i + u * LANES]); } else { w = numbers(b[i + u * LANES]); }
            // @unroll
            for (var j = 0u; j < VEC4S; j++) {
                w[j] = vec4(
                    unary(binary(v[j].x, w[j].x), p),
                    unary(binary(v[j].y, w[j].y), p),
                    unary(binary(v[j].z, w[j].z), p),
                    unary(binary(v[j].w, w[j].w), p),
                );
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

// grad_x[i] = grad_y[i] · f'(x[i]) for every element, f' from the slot.
//
// Layouts: any; the three tensors have the same layout.
// Threads: VECTORS vec4s each, in runs LANES apart, TURN of them in an iteration; workgroups are folded over the grid's axes.
// Limits: 5 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 32u; // @const distance of a thread's vec4s: threads of a subgroup stay together
const VECTORS: u32 = 1u; // @const vec4s of a thread
const TURN: u32 = 1u; // @const runs of a thread in an iteration; if more than one, no iteration is partial
const IN_PLACE: bool = false; // @const grad_y is what the result's memory holds; bind x in its place
const MASKS: bool = false; // @const whether a slope of 0 stops any gradient, an infinite one too
const AHEAD: bool = false; // @const whether a thread touches a cache line of its subgroup's iteration first, which then has as many lines as threads

struct Params {
    runs: u32, // ceil(count / (4 · VEC4S))
    p0: f32,
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
@group(0) @binding(1) var<storage, read> x: array<Run>;
@group(0) @binding(2) var<storage, read> grad_y: array<Run>;
@group(0) @binding(3) var<storage, read_write> grad_x: array<Run>;
@group(0) @binding(4) var<storage, read> x_lines: array<u32>; // both again: a 64-bit word would wait for its line by itself
@group(0) @binding(5) var<storage, read> grad_y_lines: array<u32>;

// @slot unary_derivative
fn unary_derivative(x: f32, p: vec2<f32>) -> f32 {
    return 1.0;
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
            lines |= x_lines[at] | grad_y_lines[at];
        }
        // @unroll
        for (var u = 0u; u < TURN; u++) {
            let v = numbers(x[i + u * LANES]);
            var g: array<vec4<f32>, VEC4S>;
            if IN_PLACE { g = numbers(grad_x[i + u * LANES]); } else { g = numbers(grad_y[i + u * LANES]); }
            // @unroll
            for (var j = 0u; j < VEC4S; j++) {
                let slope = vec4(
                    unary_derivative(v[j].x, p),
                    unary_derivative(v[j].y, p),
                    unary_derivative(v[j].z, p),
                    unary_derivative(v[j].w, p),
                );
                g[j] *= slope;
                if (MASKS) {
                    g[j] = select(g[j], vec4(0.0), slope == vec4(0.0));
                }
            }
            grad_x[i + u * LANES] = run(g);
        }
    }
    // The touched words must be used, or a compiler removes their loads.
    if (AHEAD && params.never != 0u) {
        var v: array<vec4<f32>, VEC4S>;
        v[0].x = bitcast<f32>(lines);
        grad_x[0] = run(v);
    }
}

// grad_x[i] = f(y[i], grad_y[i], Σ of the line), f from the slot: y · (grad_y − Σ grad_y · y) for a softmax, and
// grad_y − exp(y) · Σ grad_y for its logarithm. One pass over the line adds up, a second, which finds it in the cache,
// writes.
//
// Layouts: y, grad_y and grad_x are lines of runs, one behind the other.
// Threads: a subgroup of LANES for each line, which adds up its lanes' sums, without workgroup memory or barrier.
// Limits: 5 storage buffers, no workgroup memory; subgroups of exactly LANES lanes (software Vulkan); 2 · runs / LANES
//   < 65,536, which is as far as some drivers loop.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 8u; // @const threads of a subgroup
const TURN: u32 = 1u; // @const runs of a thread in an iteration of the sum
const WEIGHTED: bool = true; // @const whether grad_y is weighted by y in the sum: a softmax, not its logarithm
const AHEAD: bool = false; // @const whether a thread touches a cache line of its subgroup's iteration first, which then has as many lines as threads

struct Params {
    lines: u32,
    runs: u32, // of a line, each of VEC4S vec4s
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
@group(0) @binding(1) var<storage, read> y: array<Run>;
@group(0) @binding(2) var<storage, read> grad_y: array<Run>;
@group(0) @binding(3) var<storage, read_write> grad_x: array<Run>;
@group(0) @binding(4) var<storage, read> y_lines: array<u32>; // y again: a 64-bit word would wait for its line by itself
@group(0) @binding(5) var<storage, read> grad_y_lines: array<u32>;

// @slot softmax_gradient
fn softmax_gradient(y: f32, grad_y: f32, sum: f32) -> f32 {
    return y * (grad_y - sum);
}
// @end

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let line = (group.x + grid.x * (group.y + grid.y * group.z)) * (WORKGROUP / LANES) + thread / LANES;
    if (line >= params.lines) {
        return;
    }
    let lane = thread % LANES;
    let start = line * params.runs + lane;
    let end = (line + 1u) * params.runs;
    var sums: array<vec4<f32>, VEC4S>;
    var touched = 0u;
    for (var i = start; i < end; i += TURN * LANES) {
        if (AHEAD) {
            // The last word of a line's length: where a row begins within a line, the iteration before has touched its start.
            let place = min((i - lane) * 4u * VEC4S + lane * 16u + 15u, end * 4u * VEC4S - 1u);
            touched |= y_lines[place] | grad_y_lines[place];
        }
        // @unroll
        for (var u = 0u; u < TURN; u++) {
            if (u == 0u || i + u * LANES < end) {
                let g = numbers(grad_y[i + u * LANES]);
                if (WEIGHTED) {
                    let v = numbers(y[i + u * LANES]);
                    // @unroll
                    for (var j = 0u; j < VEC4S; j++) {
                        sums[j] += g[j] * v[j];
                    }
                } else {
                    // @unroll
                    for (var j = 0u; j < VEC4S; j++) {
                        sums[j] += g[j];
                    }
                }
            }
        }
    }
    var total = sums[0];
    // @unroll
    for (var j = 1u; j < VEC4S; j++) {
        total += sums[j];
    }
    let sum = subgroupAdd((total.x + total.y) + (total.z + total.w));
    for (var k = start; k < end; k += LANES) {
        let v = numbers(y[k]);
        var g = numbers(grad_y[k]);
        // @unroll
        for (var j = 0u; j < VEC4S; j++) {
            g[j] = vec4(
                softmax_gradient(v[j].x, g[j].x, sum),
                softmax_gradient(v[j].y, g[j].y, sum),
                softmax_gradient(v[j].z, g[j].z, sum),
                softmax_gradient(v[j].w, g[j].w, sum),
            );
        }
        grad_x[k] = run(g);
    }
    // The touched words must be used, or a compiler removes their loads.
    if (AHEAD && params.never != 0u) {
        var v: array<vec4<f32>, VEC4S>;
        v[0].x = bitcast<f32>(touched);
        grad_x[0] = run(v);
    }
}

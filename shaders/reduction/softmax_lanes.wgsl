// y[i] = exp(x[i] − m) / Σ with m the largest x of the line and Σ = Σ exp(x − m), or its logarithm x[i] − m − log Σ. One
// pass over the line finds both: where a larger element comes, the sum so far is scaled by exp(m − m') (Milakov and
// Gimelshein, arXiv 1805.02867). A second pass, which finds the line in the cache, writes.
//
// Layouts: x and y are lines of runs, one behind the other.
// Threads: a subgroup of LANES for each line, which joins what its lanes found by subgroup operations, without workgroup
//   memory or barrier.
// Limits: 3 storage buffers, no workgroup memory; subgroups of exactly LANES lanes (software Vulkan), at least LANES runs
//   in a line; runs / LANES < 65,536, which is as far as some drivers loop.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 8u; // @const threads of a subgroup
const TURN: u32 = 4u; // @const runs of a thread in an iteration: four vec4s
const LOGARITHM: bool = false; // @const whether y is the logarithm of a softmax
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
@group(0) @binding(1) var<storage, read> x: array<Run>;
@group(0) @binding(2) var<storage, read_write> y: array<Run>;
@group(0) @binding(3) var<storage, read> x_lines: array<u32>; // x again: a 64-bit word would wait for its line by itself

// log(2ᵏ (1 + f)) for f from √½ - 1 to √2 - 1, by the polynomial of Cephes' logf (Moshier, 1984): a driver's log is wrong in
// all digits beside 1. ln 2 comes in two parts, of which the larger times k is exact.
fn log_of_parts(f: f32, k: f32) -> f32 {
    let s = f * f;
    let low = 1.1676998740e-1 + f * (-1.1514610310e-1 + f * 7.0376836292e-2);
    let middle = -1.6668057665e-1 + f * (1.4249322787e-1 + f * (-1.2420140846e-1 + f * low));
    let high = 3.3333331174e-1 + f * (-2.4999993993e-1 + f * (2.0000714765e-1 + f * middle));
    return (f + (f * s * high - k * 2.12194440e-4 - 0.5 * s)) + k * 0.693359375;
}

fn natural_log(x: f32) -> f32 {
    // Below the normal numbers the exponent says nothing.
    let small = x < 1.1754944e-38;
    let bits = bitcast<i32>(select(x, x * 8388608.0, small));
    // 1 + f is the number with the exponent that brings it next to 1: 0x3f3504f3 is √½.
    let exponent = (bits - 0x3f3504f3) >> 23u;
    let f = bitcast<f32>(bits - (exponent << 23u)) - 1.0;
    let y = log_of_parts(f, f32(exponent) - select(0.0, 23.0, small));
    // Not as constants, which WGSL refuses.
    var infinity = 0x7f800000u;
    var nan = 0x7fc00000u;
    let outside = select(select(x, bitcast<f32>(nan), x < 0.0), -bitcast<f32>(infinity), x == 0.0);
    return select(outside, y, (x > 0.0) & (bitcast<u32>(x) < infinity));
}

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
    // The last run of this lane. An iteration reads it again in place of what lies beyond it, and leaves that out of the sum.
    let last = start + (end - 1u - start) / LANES * LANES;
    // One maximum for all of a lane, so that an iteration scales its sum once.
    // Finite, so that a line of -infinity alone has the sum 0, and no distance of two infinities in it.
    var largest = -3.4028234e38;
    var sums = vec4(0.0);
    var touched = 0u;
    for (var i = start; i < end; i += TURN * LANES) {
        if (AHEAD) {
            // The last word of a line's length: where a row begins within a line, the iteration before has touched its start.
            touched |= x_lines[min((i - lane) * 4u * VEC4S + lane * 16u + 15u, end * 4u * VEC4S - 1u)];
        }
        var v: array<vec4<f32>, TURN * VEC4S>;
        // @unroll
        for (var u = 0u; u < TURN; u++) {
            let n = numbers(x[min(i + u * LANES, last)]);
            // @unroll
            for (var j = 0u; j < VEC4S; j++) {
                v[u * VEC4S + j] = n[j];
            }
        }
        let each = max(max(v[0], v[1]), max(v[2], v[3]));
        let now = max(largest, max(max(each.x, each.y), max(each.z, each.w)));
        // @unroll
        for (var e = 0u; e < 4u; e++) {
            v[e] = select(vec4(0.0), exp(v[e] - now), i + e / VEC4S * LANES < end);
        }
        sums = sums * exp(largest - now) + ((v[0] + v[1]) + (v[2] + v[3]));
        largest = now;
    }
    let m = subgroupMax(largest);
    let all = subgroupAdd(((sums.x + sums.y) + (sums.z + sums.w)) * exp(largest - m));
    // No term is above 1: the sum is infinite where an element is NaN, or infinite, and a driver's exp makes a number of a NaN.
    var nan = 0x7fc00000u; // not as a constant, which WGSL refuses
    let sum = select(bitcast<f32>(nan), all, all < 3e38);
    let term = select(1.0 / sum, natural_log(sum), LOGARITHM);
    // Two vec4s an iteration: the steps of an exp, each of which waits for the last, run side by side.
    for (var i = start; i < end; i += TURN / 2u * LANES) {
        // @unroll
        for (var u = 0u; u < TURN / 2u; u++) {
            let at = min(i + u * LANES, last);
            var v = numbers(x[at]);
            // @unroll
            for (var j = 0u; j < VEC4S; j++) {
                let a = v[j] - m;
                if (LOGARITHM) {
                    v[j] = a - term;
                } else {
                    v[j] = exp(a) * term;
                }
            }
            y[at] = run(v);
        }
    }
    // The touched words must be used, or a compiler removes their loads.
    if (AHEAD && params.never != 0u) {
        var v: array<vec4<f32>, VEC4S>;
        v[0].x = bitcast<f32>(touched);
        y[0] = run(v);
    }
}

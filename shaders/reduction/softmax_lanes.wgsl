// y[i] = exp(x[i] − m) / Σ with m the largest x of the line and Σ = Σ exp(x − m), or its logarithm x[i] − m − log Σ. One
// pass over the line finds both: where a larger element comes, the sum so far is scaled by exp(m − m') (Milakov and
// Gimelshein, arXiv 1805.02867). A second pass, which finds the line in the cache, writes.
//
// Layouts: x and y are lines of `quads` vec4s, one behind the other.
// Threads: a subgroup of LANES for each line, which joins what its lanes found by subgroup operations, without workgroup
//   memory or barrier.
// Limits: 2 storage buffers, no workgroup memory; subgroups of exactly LANES lanes (software Vulkan), at least LANES vec4s
//   in a line; quads / LANES < 65,536, which is as far as some drivers loop.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 8u; // @const threads of a subgroup
const LOGARITHM: bool = false; // @const whether y is the logarithm of a softmax

struct Params {
    lines: u32,
    quads: u32, // vec4s of a line
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;

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
    let start = line * params.quads + thread % LANES;
    let end = (line + 1u) * params.quads;
    // The last vec4 of this lane. A turn takes what is beyond it for this one and leaves it out of the sum.
    let last = start + (end - 1u - start) / LANES * LANES;
    // One maximum for all of a lane, so that a turn scales its sum once.
    var largest = -3.4028234e38;
    var sums = vec4(0.0);
    for (var i = start; i < end; i += 4u * LANES) {
        let a = x[i];
        let b = x[min(i + LANES, last)];
        let c = x[min(i + 2u * LANES, last)];
        let d = x[min(i + 3u * LANES, last)];
        let each = max(max(a, b), max(c, d));
        let now = max(largest, max(max(each.x, each.y), max(each.z, each.w)));
        let two = exp(a - now) + select(vec4(0.0), exp(b - now), i + LANES < end);
        let three = select(vec4(0.0), exp(c - now), i + 2u * LANES < end);
        let four = select(vec4(0.0), exp(d - now), i + 3u * LANES < end);
        sums = sums * exp(largest - now) + (two + (three + four));
        largest = now;
    }
    let m = subgroupMax(largest);
    let sum = subgroupAdd(((sums.x + sums.y) + (sums.z + sums.w)) * exp(largest - m));
    let term = select(1.0 / sum, log(sum), LOGARITHM);
    // Two vec4s a turn: the steps of an exp, each of which waits for the last, run side by side.
    for (var i = start; i < end; i += 2u * LANES) {
        let next = min(i + LANES, last);
        let a = x[i] - m;
        let b = x[next] - m;
        if (LOGARITHM) {
            y[i] = a - term;
            y[next] = b - term;
        } else {
            y[i] = exp(a) * term;
            y[next] = exp(b) * term;
        }
    }
}

// y[i] = f(x[i] − m, term(Σ)) with m the largest x of the line and Σ = Σ exp(x − m); f and term, from the slot, make a softmax or its
// logarithm. One pass over the line finds both: where a larger element comes, the sum so far is scaled by exp(m − m')
// (Milakov and Gimelshein, arXiv 1805.02867). A second pass, which finds the line in the cache, writes.
//
// Layouts: x and y are lines of `quads` vec4s, one behind the other.
// Threads: a subgroup of LANES for each line, which joins what its lanes found by subgroup operations, without workgroup
//   memory or barrier.
// Limits: 2 storage buffers, no workgroup memory; subgroups of exactly LANES lanes (software Vulkan); 2 · quads / LANES
//   < 65,536, which is as far as some drivers loop.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 8u; // @const threads of a subgroup

struct Params {
    lines: u32,
    quads: u32, // vec4s of a line
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;

// @slot softmax_value
fn softmax_term(sum: f32) -> f32 {
    return 1.0 / sum;
}

fn softmax_value(distance: f32, term: f32) -> f32 {
    return exp(distance) * term;
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
    let start = line * params.quads + thread % LANES;
    let end = (line + 1u) * params.quads;
    // One maximum for all of a lane, so that a turn scales its sum once.
    var largest = -3.4028234e38;
    var sums = vec4(0.0);
    var i = start;
    for (; i + 3u * LANES < end; i += 4u * LANES) {
        let a = x[i];
        let b = x[i + LANES];
        let c = x[i + 2u * LANES];
        let d = x[i + 3u * LANES];
        let each = max(max(a, b), max(c, d));
        let now = max(largest, max(max(each.x, each.y), max(each.z, each.w)));
        sums = sums * exp(largest - now) + ((exp(a - now) + exp(b - now)) + (exp(c - now) + exp(d - now)));
        largest = now;
    }
    for (; i < end; i += LANES) {
        let a = x[i];
        let now = max(largest, max(max(a.x, a.y), max(a.z, a.w)));
        sums = sums * exp(largest - now) + exp(a - now);
        largest = now;
    }
    let m = subgroupMax(largest);
    let term = softmax_term(subgroupAdd(((sums.x + sums.y) + (sums.z + sums.w)) * exp(largest - m)));
    for (var k = start; k < end; k += LANES) {
        let v = x[k] - m;
        y[k] = vec4(
            softmax_value(v.x, term),
            softmax_value(v.y, term),
            softmax_value(v.z, term),
            softmax_value(v.w, term),
        );
    }
}

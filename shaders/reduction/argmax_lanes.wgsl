// y[line] = the first index of the largest element of the line, a NaN being larger than any number, as argmax, on software
// Vulkan: vec4s in place of single elements, and neighbouring lanes read neighbours.
//
// Layouts: x is lines of `quads` vec4s, one behind the other; y has an element for each line.
// Threads: a subgroup of LANES for each line, which joins what its lanes found by subgroup operations, without workgroup
//   memory or barrier.
// Limits: 2 storage buffers, no workgroup memory; subgroups of exactly LANES lanes (software Vulkan); LANES ≤ quads, and
//   quads / LANES < 65,536, which is as far as some drivers loop.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 8u; // @const threads of a subgroup

struct Params {
    lines: u32,
    quads: u32, // vec4s of a line
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<i32>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let line = (group.x + grid.x * (group.y + grid.y * group.z)) * (WORKGROUP / LANES) + thread / LANES;
    let lane = thread % LANES;
    if (line >= params.lines) {
        return;
    }
    let start = line * params.quads;
    let end = start + params.quads;
    // For each of the four columns the largest element of the lane so far, and in which vec4 it was.
    var i = start + lane;
    var largest = x[i];
    var best = vec4(i);
    for (i += LANES; i < end; i += LANES) {
        let v = x[i];
        // Strictly larger, or the first NaN. A comparison with NaN is false.
        let wins = (v > largest) | (!(v == v) & (largest == largest));
        largest = select(largest, v, wins);
        best = select(best, vec4(i), wins);
    }
    let place = 4u * (best - start) + vec4(0u, 1u, 2u, 3u);
    let nan = !(largest == largest);
    var candidates = place;
    if (subgroupAny(any(nan))) {
        candidates = select(vec4(0xffffffffu), place, nan);
    } else {
        let of_lane = max(max(largest.x, largest.y), max(largest.z, largest.w));
        candidates = select(vec4(0xffffffffu), place, largest == vec4(subgroupMax(of_lane)));
    }
    let first = subgroupMin(min(min(candidates.x, candidates.y), min(candidates.z, candidates.w)));
    if (lane == 0u) {
        y[line] = i32(first);
    }
}

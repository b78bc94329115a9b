// y[i] = f(x[i] − m, Σ) with the pair (m, Σ) that `log_sum_exp` found for the line; f, from the slot, is a softmax
// or its logarithm.
//
// Layouts: x and y are outer × axis × inner in memory; a line runs along axis.
// Threads: one part of a line each, the elements part, part + parts, …: to find a line's start costs divisions, which are
//   done once for several elements.
// Limits: 3 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LINES_FIRST: bool = false; // @const whether neighbouring threads take neighbouring lines: after > 1

struct Params {
    lines: u32, // outer · inner
    along: u32, // extent of axis
    after: u32, // extent of inner
    parts: u32, // threads that share a line
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> lines: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

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
    let i = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    if (i >= params.lines * params.parts) {
        return;
    }
    var line: u32;
    var part: u32;
    if (LINES_FIRST) {
        line = i % params.lines;
        part = i / params.lines;
    } else {
        line = i / params.parts;
        part = i % params.parts;
    }
    let base = line / params.after * params.along * params.after + line % params.after;
    let pair = lines[line];
    let term = softmax_term(pair.y);
    for (var k = part; k < params.along; k += params.parts) {
        let at = base + k * params.after;
        y[at] = softmax_value(x[at] - pair.x, term);
    }
}

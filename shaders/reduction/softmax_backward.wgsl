// grad_x[i] = f(y[i], grad_y[i], sum[line of i]), f from the slot: y · (grad_y − Σ grad_y · y) for a softmax, and
// grad_y − exp(y) · Σ grad_y for its logarithm. The sums come from a reduction along the lines.
//
// Layouts: y, grad_y and grad_x are outer × axis × inner in memory; a line runs along axis.
// Threads: one part of a line each, the elements part, part + parts, …: to find a line's start costs divisions, which are
//   done once for several elements.
// Limits: 4 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LINES_FIRST: bool = false; // @const whether neighbouring threads take neighbouring lines: after > 1

struct Params {
    lines: u32, // outer · inner
    along: u32, // extent of axis
    after: u32, // extent of inner
    parts: u32, // threads that share a line
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> y: array<f32>;
@group(0) @binding(2) var<storage, read> grad_y: array<f32>;
@group(0) @binding(3) var<storage, read> sums: array<f32>;
@group(0) @binding(4) var<storage, read_write> grad_x: array<f32>;

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
    let sum = sums[line];
    for (var k = part; k < params.along; k += params.parts) {
        let at = base + k * params.after;
        grad_x[at] = softmax_gradient(y[at], grad_y[at], sum);
    }
}

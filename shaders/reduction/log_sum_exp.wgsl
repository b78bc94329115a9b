// y[line, part] = (m, Σ exp(x − m)), m the largest x, over the elements part, part + parts, … of a line. The logarithm of
// the line's Σ exp(x) is m + log(Σ): the two are kept apart, so that x − m cancels nothing and no exp overflows.
//
// Layouts: x is outer × axis × inner in memory; a line runs along axis.
// Threads: one part of a line each; it reads its elements twice. `log_sum_exp_join` joins the parts.
// Limits: 2 storage buffers, no workgroup memory; twice along / parts < 65,536, which is as far as some drivers loop.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LINES_FIRST: bool = false; // @const whether neighbouring threads take neighbouring lines: after > 1

struct Params {
    lines: u32, // outer · inner
    along: u32, // extent of axis
    after: u32, // extent of inner
    parts: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<vec2<f32>>;

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
    // Finite, so that a line of -infinity alone has the sum 0, and no distance of two infinities in it.
    var largest = -3.4028234e38;
    for (var k = part; k < params.along; k += params.parts) {
        largest = max(largest, x[base + k * params.after]);
    }
    var sum = 0.0;
    for (var k = part; k < params.along; k += params.parts) {
        sum += exp(x[base + k * params.after] - largest);
    }
    // No term is above 1: the sum is infinite where an element is NaN, or infinite, and a driver's exp makes a number of a NaN.
    var nan = 0x7fc00000u; // not as a constant, which WGSL refuses
    y[line * params.parts + part] = vec2(largest, select(bitcast<f32>(nan), sum, sum < 3e38));
}

// y[line] = (m, Σ s · exp(m_part − m)), m the largest m_part, of the pairs (m_part, s) that `log_sum_exp` left.
//
// Threads: one line each.
// Limits: 2 storage buffers, no workgroup memory; twice parts < 65,536, which is as far as some drivers loop.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup

struct Params {
    lines: u32,
    along: u32, // extent of axis
    after: u32, // extent of inner
    parts: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec2<f32>>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let i = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    if (i >= params.lines) {
        return;
    }
    let base = i * params.parts;
    var largest = x[base].x;
    for (var part = 1u; part < params.parts; part++) {
        largest = max(largest, x[base + part].x);
    }
    var sum = 0.0;
    for (var part = 0u; part < params.parts; part++) {
        let pair = x[base + part];
        sum += pair.y * exp(pair.x - largest);
    }
    y[i] = vec2(largest, sum);
}

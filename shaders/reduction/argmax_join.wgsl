// y[o] = the candidate r = candidates[part, o] with the largest x[o, r]; the first of equal ones wins.
//
// Layouts: as `argmax`, whose second pass this is. It reads x again at the candidates' indices.
// Threads: one output each.
// Limits: 3 storage buffers; parts < 65,536, which is as far as the loops of some drivers go.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const KEPT: u32 = 1u; // @const kept axes, at least 1
const REDUCED: u32 = 1u; // @const reduced axes, at least 1

struct Params {
    kept_shape: array<vec4<u32>, 2>,
    kept_strides: array<vec4<u32>, 2>,
    reduced_shape: array<vec4<u32>, 2>,
    reduced_strides: array<vec4<u32>, 2>,
    outputs: u32, // kept indices
    count: u32, // reduced indices
    parts: u32,
    length: u32, // reduced indices of a part
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> candidates: array<i32>;
@group(0) @binding(3) var<storage, read_write> y: array<i32>;

fn kept_offset(index: u32) -> u32 {
    var rest = index;
    var at = 0u;
    // @unroll
    for (var step = 1u; step < KEPT; step++) {
        let axis = KEPT - step;
        let extent = params.kept_shape[axis / 4u][axis % 4u];
        at += rest % extent * params.kept_strides[axis / 4u][axis % 4u];
        rest = rest / extent;
    }
    return at + rest * params.kept_strides[0].x;
}

fn reduced_offset(index: u32) -> u32 {
    var rest = index;
    var at = 0u;
    // @unroll
    for (var step = 1u; step < REDUCED; step++) {
        let axis = REDUCED - step;
        let extent = params.reduced_shape[axis / 4u][axis % 4u];
        at += rest % extent * params.reduced_strides[axis / 4u][axis % 4u];
        rest = rest / extent;
    }
    return at + rest * params.reduced_strides[0].x;
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let i = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    if (i >= params.outputs) {
        return;
    }
    let base = kept_offset(i);
    var best = candidates[i];
    var largest = x[base + reduced_offset(u32(best))];
    for (var part = 1u; part < params.parts; part++) {
        let candidate = candidates[part * params.outputs + i];
        let value = x[base + reduced_offset(u32(candidate))];
        if (value > largest || (!(value == value) && largest == largest)) {
            largest = value;
            best = candidate;
        }
    }
    y[i] = best;
}

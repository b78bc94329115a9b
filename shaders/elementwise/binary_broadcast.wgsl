// y[i] = f(a[i], b[i]) with NumPy broadcasting: a broadcast axis has stride 0.
//
// Layouts: any, by strides; y is dense, its axes in the order of its memory (slowest first).
// Threads: one element each; the index is taken apart from the fastest axis on.
// Limits: 3 storage buffers; up to 8 axes, of which the host merges those that it can.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const RANK: u32 = 4u; // @const axes left after merging

struct Params {
    shape: array<vec4<u32>, 2>,
    a_strides: array<vec4<u32>, 2>,
    b_strides: array<vec4<u32>, 2>,
    count: u32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

// @slot binary
fn binary(a: f32, b: f32) -> f32 {
    return a;
}
// @end

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let i = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    if (i >= params.count) {
        return;
    }
    var rest = i;
    var a_at = 0u;
    var b_at = 0u;
    // @unroll
    for (var step = 0u; step < RANK; step++) {
        let axis = RANK - 1u - step;
        let extent = params.shape[axis / 4u][axis % 4u];
        let index = rest % extent;
        rest = rest / extent;
        a_at += index * params.a_strides[axis / 4u][axis % 4u];
        b_at += index * params.b_strides[axis / 4u][axis % 4u];
    }
    y[i] = binary(a[a_at], b[b_at]);
}

// y[i] = f16(x[i]), rounded to nearest even, two halves to a word: works without the device's f16 arithmetic.
//
// Threads: VECTORS vec4s of x each, LANES apart; each is two words of y; workgroups are folded over the grid's axes.
// Limits: 2 storage buffers, no workgroup memory. Values beyond ±65504 become infinite where the device keeps them.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 32u; // @const distance of a thread's vec4s: threads of a subgroup stay together
const VECTORS: u32 = 1u; // @const vec4s of a thread

struct Params {
    vectors: u32, // ceil(count / 4)
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec2<u32>>;

// @slot halves
fn halves(v: vec4<f32>) -> vec2<u32> {
    return vec2(pack2x16float(v.xy), pack2x16float(v.zw));
}
// @end

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let t = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    let start = t / LANES * (LANES * VECTORS) + t % LANES;
    let end = min(start + LANES * VECTORS, params.vectors);
    for (var i = start; i < end; i += LANES) {
        y[i] = halves(x[i]);
    }
}

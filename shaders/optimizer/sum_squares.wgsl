// sums[first + t] = Σ x² over the elements of part t, of which each has 4 · RUN. Another kernel adds the parts, in a fixed
// order: the same gradients give the same bits.
//
// Layouts: any.
// Threads: a part each, RUN vec4s that lie LANES apart, so that threads of a subgroup read neighbours.
// Limits: 2 storage buffers, no workgroup memory; RUN < 65,536, which is as far as the loops of some drivers go.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 32u; // @const distance of a thread's vec4s: threads of a subgroup stay together
const RUN: u32 = 64u; // @const vec4s of a thread

struct Params {
    count: u32, // elements
    parts: u32,
    first: u32, // where this tensor's parts begin
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> sums: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let p = params;
    let t = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    if (t >= p.parts) {
        return;
    }
    let start = t / LANES * (LANES * RUN) + t % LANES;
    let whole = p.count / 4u;
    let end = min(start + LANES * RUN, whole);
    var sum = vec4(0.0);
    var i = start;
    for (; i < end; i += LANES) {
        let v = x[i];
        sum += v * v;
    }
    // The elements behind the last whole vec4, of which the buffer's own vec4 may hold more: those are not the tensor's.
    if (i == whole && i < start + LANES * RUN && p.count % 4u > 0u) {
        let v = select(vec4(0.0), x[i], vec4(0u, 1u, 2u, 3u) < vec4(p.count % 4u));
        sum += v * v;
    }
    sums[p.first + t] = sum.x + sum.y + (sum.z + sum.w);
}

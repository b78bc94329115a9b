// y[o, i, n] = x[o, index[i], n]: elements of an axis by index. A negative index counts from the back; one that is
// outside the axis gives 0.
//
// Layouts: x and y are row-major, elements are 32 bits of any type; the axes before the gathered one are merged into o,
//   those behind it into n; the indices are merged into i.
// Threads: one element of y each, n fastest, so that neighbours read neighbours.
// Limits: 3 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup

struct Params {
    count: u32, // elements of y
    inner: u32, // elements along n
    indices: u32,
    extent: u32, // of the axis in x
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read> indices: array<i32>;
@group(0) @binding(3) var<storage, read_write> y: array<u32>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let at = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    if (at >= params.count) {
        return;
    }
    let place = at / params.inner;
    let n = at - place * params.inner;
    let outer = place / params.indices;
    let named = indices[place - outer * params.indices];
    let counted = select(named, named + i32(params.extent), named < 0);
    let inside = counted >= 0 && counted < i32(params.extent);
    // The index is guarded and not only the value: both sides of a select are computed.
    let source = (outer * params.extent + u32(select(0, counted, inside))) * params.inner + n;
    y[at] = select(0u, x[source], inside);
}

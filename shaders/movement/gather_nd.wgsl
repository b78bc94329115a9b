// y[o, i, n] = x[o, place(o, i), n], where the tuple indices[o, i] of TUPLE numbers names a place among the TUPLE axes behind
// o. A negative number counts from the back of its axis; a tuple one of which is outside gives 0.
//
// Layouts: x, the indices and y are row-major, elements are 32 bits of any type; the axes before those that are indexed are
//   merged into o, those behind them into n.
// Threads: one element of y each, n fastest, so that neighbours read neighbours.
// Limits: 3 storage buffers, no workgroup memory; tuples of up to 8.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const TUPLE: u32 = 1u; // @const numbers in a tuple

struct Params {
    extents: array<vec4<u32>, 2>, // of the axes that are indexed
    count: u32, // elements of y
    inner: u32, // elements along n
    tuples: u32, // for each o
    places: u32, // the product of the extents
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
    let tuple = at / params.inner;
    let n = at - tuple * params.inner;
    var place = 0u;
    var inside = true;
    // @unroll
    for (var k = 0u; k < TUPLE; k++) {
        let extent = params.extents[k / 4u][k % 4u];
        let named = indices[tuple * TUPLE + k];
        let counted = select(named, named + i32(extent), named < 0);
        let known = counted >= 0 && counted < i32(extent);
        place = place * extent + u32(select(0, counted, known));
        inside = inside && known;
    }
    let source = (tuple / params.tuples * params.places + place) * params.inner + n;
    y[at] = select(0u, x[source], inside);
}

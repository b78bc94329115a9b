// y[o, place(o, i), n] = update(y[o, place(o, i), n], updates[o, i, n]) for the i from `first` to `end`, one after the other,
// where the tuple indices[o, i] of TUPLE numbers names a place among the TUPLE axes behind o. A negative number counts from the
// back of its axis; a tuple one of which is outside is left out. y is x before.
//
// Layouts: y, the indices and the updates are row-major, elements are 32 bits; the axes before those that are indexed are
//   merged into o, those behind them into n. The indices may be the same for all o.
// Threads: a line (o, n) each, which no other thread writes: equal places meet in the order of i, and the bits are the same
//   at each run. n is fastest, so that neighbours read neighbours.
// Limits: 3 storage buffers, no workgroup memory; tuples of up to 8. A thread takes `end` − `first` steps, few enough for any
//   driver (see the launcher). Where there are few lines (one, where tuples name single elements) few threads work.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const TUPLE: u32 = 1u; // @const numbers in a tuple

struct Params {
    extents: array<vec4<u32>, 2>, // of the axes that are indexed
    lines: u32,
    inner: u32, // elements along n
    updates: u32, // for each o
    places: u32, // the product of the extents
    outer: u32, // from one o to the next in the indices
    first: u32, // of this launch's updates
    end: u32, // behind them
    pad: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> indices: array<i32>;
@group(0) @binding(2) var<storage, read> updates: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<u32>;

// @slot update
fn update(old: u32, value: u32) -> u32 {
    return value;
}
// @end

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    // Read once: as far as a driver knows, a store may change them.
    let p = params;
    let line = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    if (line >= p.lines) {
        return;
    }
    let o = line / p.inner;
    let n = line - o * p.inner;
    for (var i = p.first; i < p.end; i++) {
        var place = 0u;
        var inside = true;
        // @unroll
        for (var k = 0u; k < TUPLE; k++) {
            let extent = p.extents[k / 4u][k % 4u];
            let named = indices[o * p.outer + i * TUPLE + k];
            let counted = select(named, named + i32(extent), named < 0);
            inside = inside && counted >= 0 && counted < i32(extent);
            place = place * extent + u32(counted);
        }
        if (inside) {
            let to = (o * p.places + place) * p.inner + n;
            y[to] = update(y[to], updates[(o * p.updates + i) * p.inner + n]);
        }
    }
}

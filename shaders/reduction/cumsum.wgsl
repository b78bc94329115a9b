// y[i] = Σ x[j] over j ≤ i along a line, or j < i if EXCLUSIVE, in the order of places p: p is i, or counted from the end
// if REVERSE. An infinity or a NaN reaches what comes behind it in its line alone: nothing is a product or a difference.
//
// A long line is cut into blocks (Blelloch, Prefix sums and their applications, 1990): `cumsum_totals` sums each, the totals
// are themselves summed exclusively by this kernel, and what came before a block is added to each of its own sums. The order of
// a sum follows from the shape alone, and none is longer than a block at each level, so that it rounds less than one long sum.
//
// Layouts: x and y are outer × axis × inner in memory; a line runs along axis. starts is [lines, blocks].
// Threads: one block of a line each.
// Limits: 3 storage buffers, no workgroup memory; a block is shorter than 65,536, which is as far as some drivers loop.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LINES_FIRST: bool = false; // @const whether neighbouring threads take neighbouring lines: after > 1
const EXCLUSIVE: bool = false; // @const whether an element is left out of its own sum
const REVERSE: bool = false; // @const whether the sums run from the end
const STARTS: bool = false; // @const whether a line has several blocks, each with its start

struct Params {
    lines: u32, // outer · inner
    along: u32, // extent of axis
    after: u32, // extent of inner
    blocks: u32, // of a line
    length: u32, // places of a block
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> starts: array<f32>; // not read unless STARTS
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    // Read once: as far as a driver knows, a store may change them.
    let p = params;
    let i = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    if (i >= p.lines * p.blocks) {
        return;
    }
    var line: u32;
    var block: u32;
    if (LINES_FIRST) {
        line = i % p.lines;
        block = i / p.lines;
    } else {
        line = i / p.blocks;
        block = i % p.blocks;
    }
    let base = line / p.after * p.along * p.after + line % p.after;
    let first = block * p.length;
    let end = min(first + p.length, p.along);
    var start = 0.0;
    if (STARTS) {
        start = starts[line * p.blocks + block];
    }
    var sum = 0.0;
    for (var place = first; place < end; place++) {
        var along = place;
        if (REVERSE) {
            along = p.along - 1u - place;
        }
        let at = base + along * p.after;
        if (EXCLUSIVE) {
            // Read before the store, and added after it.
            let value = x[at];
            y[at] = start + sum;
            sum += value;
        } else {
            sum += x[at];
            y[at] = start + sum;
        }
    }
}

// y[o, r, n] = x[o, n] for every r: what an expansion along a middle axis copies.
//
// Layouts: n is the fastest axis of both and counts vec4s, as strides and offsets do; elements are 32 bits of any type.
// Threads: COLUMNS vec4s, LANES apart, of ROWS r each: what is repeated is read once for all of them.
// Limits: 2 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const ROWS: u32 = 8u; // @const repetitions that a thread writes
const LANES: u32 = 1u; // @const distance of a thread's columns: the threads of a subgroup
const COLUMNS: u32 = 1u; // @const columns of a thread; n is a multiple of LANES · COLUMNS, or this is 1

struct Params {
    inner: u32, // along n
    rows: u32, // repetitions
    bands: u32, // of ROWS repetitions
    count: u32, // threads
    x_outer: u32, // from one o to the next in x
    y_outer: u32, // and in y
    y_row: u32, // from one repetition to the next
    x_offset: u32,
    y_offset: u32,
    pad: u32,
}

// @slot words
alias Words = vec4<f32>;

fn numbers(w: Words) -> vec4<f32> {
    return w;
}

fn words(v: vec4<f32>) -> Words {
    return v;
}
// @end

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Words>;
@group(0) @binding(2) var<storage, read_write> y: array<Words>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    // Read once: as far as a driver knows, a store may change them.
    let p = params;
    let i = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    if (i >= p.count) {
        return;
    }
    let across = p.inner / COLUMNS;
    let place = i / across;
    let c = i - place * across;
    let column = c / LANES * (LANES * COLUMNS) + c % LANES;
    let outer = place / p.bands;
    let first = (place - outer * p.bands) * ROWS;
    let turns = min(ROWS, p.rows - first);
    var value: array<Words, COLUMNS>;
    // @unroll
    for (var k = 0u; k < COLUMNS; k++) {
        value[k] = x[p.x_offset + outer * p.x_outer + column + k * LANES];
    }
    var at = p.y_offset + outer * p.y_outer + first * p.y_row + column;
    for (var turn = 0u; turn < turns; turn++) {
        // @unroll
        for (var k = 0u; k < COLUMNS; k++) {
            y[at + k * LANES] = value[k];
        }
        at += p.y_row;
    }
}

// y[o, r, n] = g(f(a[o, r, n], b[o, n])): one operand is as large as y, and the other stands for all r, as a bias does.
//
// Layouts: n is the fastest axis of all three and counts vec4s; y and the large operand, `whole`, are dense.
// Threads: COLUMNS vec4s, LANES apart, of ROWS r each: what is repeated is read once for all of them.
// Limits: 4 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const ROWS: u32 = 8u; // @const r of a thread
const LANES: u32 = 1u; // @const distance of a thread's columns: the threads of a subgroup
const COLUMNS: u32 = 1u; // @const columns of a thread; n is a multiple of LANES · COLUMNS, or this is 1
const AHEAD: bool = false; // @const whether a thread touches its share of what its subgroup reads of a row first; then n is a multiple of LANES · COLUMNS
const SWAPPED: bool = false; // @const whether the repeated operand is a, and not b

struct Params {
    inner: u32, // along n
    rows: u32, // along r
    bands: u32, // of ROWS r
    count: u32, // threads
    outer: u32, // from one o to the next in the repeated operand
    p0: f32, // of the activation
    p1: f32,
    never: u32, // 0
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
@group(0) @binding(1) var<storage, read> whole: array<Words>;
@group(0) @binding(2) var<storage, read> repeated: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> y: array<Words>;
@group(0) @binding(4) var<storage, read> whole_lines: array<u32>; // `whole` again: a 64-bit word would wait for its line by itself

// @slot binary
fn binary(a: f32, b: f32) -> f32 {
    return a;
}
// @end

// @slot unary
fn unary(x: f32, p: vec2<f32>) -> f32 {
    return x;
}
// @end

fn ordered(large: f32, small: f32) -> f32 {
    if (SWAPPED) {
        return binary(small, large);
    }
    return binary(large, small);
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    // Read once: as far as a driver knows, a store may change them.
    let q = params;
    let i = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    if (i >= q.count) {
        return;
    }
    let across = q.inner / COLUMNS;
    let place = i / across;
    let c = i - place * across;
    let column = c / LANES * (LANES * COLUMNS) + c % LANES;
    let outer = place / q.bands;
    let first = (place - outer * q.bands) * ROWS;
    let turns = min(ROWS, q.rows - first);
    let p = vec2(q.p0, q.p1);
    var v: array<vec4<f32>, COLUMNS>;
    // @unroll
    for (var k = 0u; k < COLUMNS; k++) {
        v[k] = repeated[outer * q.outer + column + k * LANES];
    }
    var at = (outer * q.rows + first) * q.inner + column;
    let lane = c % LANES;
    var lines = 0u;
    for (var turn = 0u; turn < turns; turn++) {
        if (AHEAD) {
            lines |= whole_lines[(at - lane + lane * COLUMNS) * 4u];
        }
        // @unroll
        for (var k = 0u; k < COLUMNS; k++) {
            let u = numbers(whole[at + k * LANES]);
            let w = vec4(
                ordered(u.x, v[k].x),
                ordered(u.y, v[k].y),
                ordered(u.z, v[k].z),
                ordered(u.w, v[k].w),
            );
            y[at + k * LANES] = words(vec4(unary(w.x, p), unary(w.y, p), unary(w.z, p), unary(w.w, p)));
        }
        at += q.inner;
    }
    // The touched words must be used, or a compiler removes their loads.
    if (AHEAD && q.never != 0u) {
        y[0] = words(vec4(bitcast<f32>(lines)));
    }
}

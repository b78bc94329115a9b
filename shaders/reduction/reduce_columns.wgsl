// y[part, o] = scale · reduce of x[o, r] over the r of a part, where the fastest axis of x is kept. A part is every parts-th
// r, or, if BLOCKED, a run of neighbouring ones, which on a CPU is memory as prefetchers follow it.
//
// Layouts: x is dense; its axes, in the order of memory, are merged into kept and reduced ones. y has the kept ones.
//   T is a vec4 of the fastest axis where its extent allows that; extents and strides then count vec4s.
// Threads: COLUMNS Ts of y each, LANES apart, neighbours at neighbouring o, so that they read neighbours. With parts > 1 the
//   result is partial, and a second launch reduces over the parts: the order of a sum is fixed.
// Limits: 2 storage buffers, no workgroup memory; a thread takes few enough steps for any driver (see the launcher).

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 1u; // @const distance of a thread's columns: the threads of a subgroup
const COLUMNS: u32 = 1u; // @const columns of a thread; the fastest kept extent is a multiple of LANES · COLUMNS, or this is 1
const BLOCKED: bool = false; // @const whether a part is a run of neighbours
const KEPT: u32 = 1u; // @const kept axes, at least 1
const REDUCED: u32 = 1u; // @const reduced axes, at least 1
const INTEGERS: bool = false; // @const whether the bits are those of i32, which take no scale

struct Params {
    kept_shape: array<vec4<u32>, 2>,
    kept_strides: array<vec4<u32>, 2>,
    reduced_shape: array<vec4<u32>, 2>,
    reduced_strides: array<vec4<u32>, 2>,
    outputs: u32, // kept indices
    count: u32, // reduced indices
    parts: u32, // threads that share an output
    scale: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<T>;
@group(0) @binding(2) var<storage, read_write> y: array<T>;

// @slot reduce
fn reduce_identity() -> f32 {
    return 0.0;
}

fn reduce(a: f32, b: f32) -> f32 {
    return a + b;
}
// @end

// @slot reduce_width
alias T = f32;

fn fold(a: T, b: T) -> T {
    return reduce(a, b);
}

fn join(a: T) -> f32 {
    return a;
}
// @end

// The slowest axis takes what is left of the index: with one axis there is no division.
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

fn reduced_offset(p: Params, index: u32) -> u32 {
    var rest = index;
    var at = 0u;
    // @unroll
    for (var step = 1u; step < REDUCED; step++) {
        let axis = REDUCED - step;
        let extent = p.reduced_shape[axis / 4u][axis % 4u];
        at += rest % extent * p.reduced_strides[axis / 4u][axis % 4u];
        rest = rest / extent;
    }
    return at + rest * p.reduced_strides[0].x;
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    // Read once: as far as a driver knows, a store may change them.
    let p = params;
    let i = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    let across = p.outputs / COLUMNS;
    if (i >= across * p.parts) {
        return;
    }
    let part = i / across;
    let o = i - part * across;
    let column = o / LANES * (LANES * COLUMNS) + o % LANES;
    let base = kept_offset(column);
    var first = part;
    var end = p.count;
    var step = p.parts;
    if (BLOCKED) {
        let steps = (p.count + p.parts - 1u) / p.parts;
        first = part * steps;
        end = min(first + steps, p.count);
        step = 1u;
    }
    var totals: array<T, COLUMNS>;
    // @unroll
    for (var c = 0u; c < COLUMNS; c++) {
        totals[c] = T(reduce_identity());
    }
    for (var r = first; r < end; r += step) {
        let at = base + reduced_offset(p, r);
        // @unroll
        for (var c = 0u; c < COLUMNS; c++) {
            totals[c] = fold(totals[c], x[at + c * LANES]);
        }
    }
    // @unroll
    for (var c = 0u; c < COLUMNS; c++) {
        if (!INTEGERS) {
            totals[c] *= p.scale;
        }
        y[part * p.outputs + column + c * LANES] = totals[c];
    }
}

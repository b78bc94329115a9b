// y[o, part] = scale · reduce of x[o, r] over the r of a part, where the fastest axis of x is reduced. RUN parts share a
// run of neighbouring r, interleaved: a subgroup reads memory as it comes, which is what prefetchers follow.
//
// Layouts: x is dense; its axes, in the order of memory, are merged into kept and reduced ones. y has the kept ones.
//   T is a vec4 of the fastest axis where its extent allows that; extents and strides then count vec4s.
// Threads: one element of y each, the parts of an output side by side, so that neighbours read neighbours; or, where an
//   output has one part, OUTPUTS elements, LANES apart. With
//   parts > 1 the result is partial, and a second launch reduces over the parts: the order of a sum is fixed.
// Limits: 2 storage buffers, no workgroup memory; a thread takes few enough steps for any driver (see the launcher).

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const RUN: u32 = 1u; // @const parts that share a run: the threads of a subgroup, or 1 where there is one part
const OUTPUTS: u32 = 1u; // @const elements of y of a thread; more than 1 only if RUN is 1
const LANES: u32 = 1u; // @const their distance
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
    parts: u32, // threads that share an output, a multiple of RUN
    scale: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<T>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

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
fn kept_offset(p: Params, index: u32) -> u32 {
    var rest = index;
    var at = 0u;
    // @unroll
    for (var step = 1u; step < KEPT; step++) {
        let axis = KEPT - step;
        let extent = p.kept_shape[axis / 4u][axis % 4u];
        at += rest % extent * p.kept_strides[axis / 4u][axis % 4u];
        rest = rest / extent;
    }
    return at + rest * p.kept_strides[0].x;
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
    var thread_output = i;
    var part = 0u;
    if (RUN > 1u) {
        thread_output = i / p.parts;
        part = i - thread_output * p.parts;
    }
    let steps = (p.count + p.parts - 1u) / p.parts * RUN;
    let first = part / RUN * steps + part % RUN;
    let end = min(first + steps, p.count);
    let first_output = thread_output / LANES * (LANES * OUTPUTS) + thread_output % LANES;
    let end_output = min(first_output + LANES * OUTPUTS, p.outputs);
    for (var output = first_output; output < end_output; output += LANES) {
        let base = kept_offset(p, output);
        var total = T(reduce_identity());
        for (var r = first; r < end; r += RUN) {
            total = fold(total, x[base + reduced_offset(p, r)]);
        }
        var y_at = join(total);
        if (!INTEGERS) {
            y_at *= p.scale;
        }
        y[output * p.parts + part] = y_at;
    }
}

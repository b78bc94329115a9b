// y = f((x − mean − rest)·inv_std·weight + bias) per channel, f from the slot; there is no rest where `spread` is the
// variance. It is taken from the bias: x − mean has all the digits of x.
//
// Layouts: x and y with the channels fastest; the rest is [C].
// Threads: COLUMNS vec4 columns, LANES apart, of ROWS rows each. A row is whole pixels and whole vec4s: the channels of a
//   thread are the same in all of them, so that their numbers are loaded once.
// Limits: 7 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const ROWS: u32 = 8u; // @const rows of a thread
const LANES: u32 = 1u; // @const distance of a thread's columns: the threads of a subgroup
const COLUMNS: u32 = 1u; // @const columns of a thread; a row is a multiple of LANES · COLUMNS, or this is 1
const FROM_VARIANCE: bool = false; // @const whether `spread` is the variance, and not 1 / √(variance + eps)
const COMPACT: u32 = 0u; // @const 1: what channels have is loaded in a loop, for software Vulkan: a load is long there

struct Params {
    vectors: u32, // vec4s of x
    step: u32, // vec4s in a row
    channels: u32,
    eps: f32,
    p0: f32,
    p1: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> mean: array<f32>;
@group(0) @binding(3) var<storage, read> spread: array<f32>;
@group(0) @binding(4) var<storage, read> weight: array<f32>;
@group(0) @binding(5) var<storage, read> bias: array<f32>;
@group(0) @binding(6) var<storage, read> rest: array<f32>; // not read if FROM_VARIANCE
@group(0) @binding(7) var<storage, read_write> y: array<vec4<f32>>;

// @slot unary
fn unary(x: f32, p: vec2<f32>) -> f32 {
    return x;
}
// @end

fn finish(v: vec4<f32>, p: vec2<f32>) -> vec4<f32> {
    return vec4(unary(v.x, p), unary(v.y, p), unary(v.z, p), unary(v.w, p));
}

// n, as the bound of a loop that compilers shall leave a loop.
fn unknown(n: u32) -> u32 {
    return select(n, 0u, params.step == 0u);
}

// Lets a number in from the right, so that every index is a constant.
fn push(to: ptr<function, array<vec4<f32>, COLUMNS>>, x: f32) {
    // @unroll
    for (var k = 1u; k < COLUMNS; k++) {
        (*to)[k - 1u] = vec4((*to)[k - 1u].yzw, (*to)[k].x);
    }
    (*to)[COLUMNS - 1u] = vec4((*to)[COLUMNS - 1u].yzw, x);
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    // Read once: as far as a driver knows, a store may change it.
    let step = params.step;
    let across = step / COLUMNS;
    let i = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    let band = i / across;
    let o = i - band * across;
    let column = o / LANES * (LANES * COLUMNS) + o % LANES;
    var at = band * ROWS * step + column;
    let end = min(at - column + ROWS * step, params.vectors);
    if (at >= end) {
        return;
    }
    var centre: array<vec4<f32>, COLUMNS>;
    var scale: array<vec4<f32>, COLUMNS>;
    var shift: array<vec4<f32>, COLUMNS>;
    // @unroll unless COMPACT
    for (var n = 0u; n < unknown(4u * COLUMNS); n++) {
        // A row is whole pixels, and these may be narrower than a vec4.
        let c = (4u * (column + n / 4u * LANES) + n % 4u) % params.channels;
        push(&centre, mean[c]);
        var inv_std = spread[c];
        if (FROM_VARIANCE) {
            inv_std = 1.0 / sqrt(inv_std + params.eps);
        }
        let factor = weight[c] * inv_std;
        var added = bias[c];
        if (!FROM_VARIANCE) {
            added -= rest[c] * factor;
        }
        push(&scale, factor);
        push(&shift, added);
    }
    let p = vec2(params.p0, params.p1);
    for (; at < end; at += step) {
        // @unroll
        for (var k = 0u; k < COLUMNS; k++) {
            // The last row may be cut short.
            if (k == 0u || at + k * LANES < end) {
                y[at + k * LANES] = finish((x[at + k * LANES] - centre[k]) * scale[k] + shift[k], p);
            }
        }
    }
}

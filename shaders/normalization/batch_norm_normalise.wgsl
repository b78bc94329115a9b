// y = f((x − mean)·inv_std·weight + bias) per channel, f from the slot.
//
// Layouts: x and y with the channels fastest; the rest is [C].
// Threads: COLUMNS vec4 columns, LANES apart, of ROWS rows each. A row is whole pixels and whole vec4s: the channels of a
//   thread are the same in all of them, so that their numbers are loaded once.
// Limits: 6 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const ROWS: u32 = 8u; // @const rows of a thread
const LANES: u32 = 1u; // @const distance of a thread's columns: the threads of a subgroup
const COLUMNS: u32 = 1u; // @const columns of a thread; a row is a multiple of LANES · COLUMNS, or this is 1
const FROM_VARIANCE: bool = false; // @const whether `spread` is the variance, and not 1 / √(variance + eps)

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
@group(0) @binding(6) var<storage, read_write> y: array<vec4<f32>>;

// @slot unary
fn unary(x: f32, p: vec2<f32>) -> f32 {
    return x;
}
// @end

fn finish(v: vec4<f32>, p: vec2<f32>) -> vec4<f32> {
    return vec4(unary(v.x, p), unary(v.y, p), unary(v.z, p), unary(v.w, p));
}

// The channels of a vec4 whose first element has the channel c: a row is whole pixels, and these may be narrower than a vec4.
fn channels_from(c: u32) -> vec4<u32> {
    let y = select(c + 1u, 0u, c + 1u == params.channels);
    let z = select(y + 1u, 0u, y + 1u == params.channels);
    return vec4(c, y, z, select(z + 1u, 0u, z + 1u == params.channels));
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
    // @unroll
    for (var k = 0u; k < COLUMNS; k++) {
        let c = channels_from(4u * (column + k * LANES) % params.channels);
        centre[k] = vec4(mean[c.x], mean[c.y], mean[c.z], mean[c.w]);
        var inv_std = vec4(spread[c.x], spread[c.y], spread[c.z], spread[c.w]);
        if (FROM_VARIANCE) {
            inv_std = 1.0 / sqrt(inv_std + params.eps);
        }
        scale[k] = vec4(weight[c.x], weight[c.y], weight[c.z], weight[c.w]) * inv_std;
        shift[k] = vec4(bias[c.x], bias[c.y], bias[c.z], bias[c.w]);
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

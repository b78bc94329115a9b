// y = unary(Σ_s partials[s] + bias + residual): the second, deterministic pass of a split-K product, convolution
// or weight gradient. The sum runs over s = 0, 1, … in that order for every element.
//
// Layouts:  partials is [splits, count] row-major fp32, y is [count]; bias has `bias_period` entries and
//           element i takes bias[(i / bias_inner) % bias_period]: (1, extent of the innermost dimension) for
//           a product or a channels-last convolution.
// Threads:  one invocation = one vec4 of y; groups = ceil(ceil(count / 4) / 64).
// Limits:   4 storage buffers; arrays are vec4: bound sizes are multiples of 16 bytes. VEC: count % 4 == 0, else false.
//           ACCUMULATE adds to what y holds. Bind any read-only buffer as a bias or residual that is not added; bias_inner and
//           bias_period >= 1. splits <= 65,535.

enable f16;

alias Output = f32; // @const type of y: f32 or f16
const VEC: bool = false; // @const count is a multiple of 4
const HAS_BIAS: bool = false; // @const add bias
const HAS_RESIDUAL: bool = false; // @const add residual, of the shape and layout of the result
const RESIDUAL_IN_PLACE: bool = false; // @const the residual is what the result's memory holds
const ACCUMULATE: bool = false; // @const y += instead of y =

struct Params {
    count: u32,
    splits: u32,
    bias_inner: u32,
    bias_period: u32,
    workgroups: u32,
    p0: f32,
    p1: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partials: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read> residual: array<Output>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4<Output>>;

// @slot unary
fn unary(x: f32, p: vec2<f32>) -> f32 { return x; }
// @end

fn element(i: u32) -> f32 { return partials[i >> 2u][i & 3u]; }

fn finish(i: u32, sum: f32) -> f32 {
    var x = sum;
    if HAS_BIAS { x += bias[(i / params.bias_inner) % params.bias_period]; }
    if HAS_RESIDUAL { if RESIDUAL_IN_PLACE { x += f32(y[i >> 2u][i & 3u]); } else { x += f32(residual[i]); } }
    return unary(x, vec2(params.p0, params.p1));
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) wg: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let group = wg.x + grid.x * (wg.y + grid.y * wg.z);
    let i = (group * 64u + local) * 4u;
    if group >= params.workgroups || i >= params.count { return; }
    let last = params.count - 1u;
    var sum = vec4<f32>();
    for (var s = 0u; s < params.splits; s++) {
        let at = s * params.count;
        if VEC {
            sum += partials[(at + i) >> 2u];
        } else {
            sum += vec4(element(at + i), element(at + min(i + 1u, last)), element(at + min(i + 2u, last)), element(at + min(i + 3u, last)));
        }
    }
    let v = vec4(finish(i, sum.x), finish(min(i + 1u, last), sum.y), finish(min(i + 2u, last), sum.z), finish(min(i + 3u, last), sum.w));
    // i is a multiple of 4, so the four elements are one vec4 of y, the last one perhaps in part.
    var old = vec4<f32>();
    if ACCUMULATE { old = vec4<f32>(y[i >> 2u]); }
    if VEC {
        y[i >> 2u] = vec4<Output>(old + v);
    } else {
        let count = params.count - i;
        y[i >> 2u].x = Output(old.x + v.x);
        if count > 1u { y[i >> 2u].y = Output(old.y + v.y); }
        if count > 2u { y[i >> 2u].z = Output(old.z + v.z); }
        if count > 3u { y[i >> 2u].w = Output(old.w + v.w); }
    }
}

// Per channel and chunk of rows: Σ g, and Σ g·d·inv_std, with d = x − mean − rest, g = grad_y·f'(d·inv_std·weight + bias) and f'
// from the slot: the activation's operand is computed anew, so that the forward pass need not keep it. The sums over the
// chunks are grad_bias and grad_weight.
//
// Layouts: x and grad_y with the channels fastest. A row is whole pixels and whole vec4s, as in batch_norm_statistics; sums
//   is two planes [chunks, row], which are also [chunks · row / C, C]: Σ g, then the other.
// Threads: COLUMNS vec4 columns of a chunk each, LANES apart, columns fastest. BLOCK rows at a time: more need more registers
//   than a CPU has.
// Limits: 8 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 1u; // @const distance of a thread's columns: the threads of a subgroup
const COLUMNS: u32 = 1u; // @const columns of a thread; a row is a multiple of LANES · COLUMNS, or this is 1
const BLOCK: u32 = 2u; // @const rows of an iteration
const FROM_VARIANCE: bool = false; // @const whether `spread` is the variance, and not 1 / √(variance + eps)
const COMPACT: u32 = 0u; // @const 1: what channels have is loaded in a loop, for software Vulkan: a load is long there

struct Params {
    count: u32, // elements of x
    step: u32, // vec4s in a row
    rows: u32, // rows, the last of which may be cut short
    whole_rows: u32, // rows that are not
    chunk: u32, // rows of a thread
    plane: u32, // vec4s in a plane of sums
    channels: u32,
    eps: f32,
    p0: f32,
    p1: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> grad_y: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> mean: array<f32>;
@group(0) @binding(4) var<storage, read> spread: array<f32>;
@group(0) @binding(5) var<storage, read> weight: array<f32>;
@group(0) @binding(6) var<storage, read> bias: array<f32>;
@group(0) @binding(7) var<storage, read> rest: array<f32>; // of the mean; not read if FROM_VARIANCE, where it has none
@group(0) @binding(8) var<storage, read_write> sums: array<vec4<f32>>;

// @slot unary_derivative
fn unary_derivative(x: f32, p: vec2<f32>) -> f32 {
    return 1.0;
}
// @end

fn slope(x: vec4<f32>, p: vec2<f32>) -> vec4<f32> {
    return vec4(
        unary_derivative(x.x, p),
        unary_derivative(x.y, p),
        unary_derivative(x.z, p),
        unary_derivative(x.w, p),
    );
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
    let i = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    let step = params.step;
    let across = step / COLUMNS;
    let chunk = i / across;
    let o = i - chunk * across;
    let column = o / LANES * (LANES * COLUMNS) + o % LANES;
    var row = chunk * params.chunk;
    let end = min(row + params.chunk, params.rows);
    if (row >= end) {
        return;
    }
    // One row at a time goes to the very end, for a short program, and drops what lies behind the last element; several at a
    // time leave a remainder.
    let walk_end = min(end, select(params.whole_rows, params.rows, BLOCK == 1u));
    let last = (params.count - 1u) / 4u;
    let p = vec2(params.p0, params.p1);

    var centre: array<vec4<f32>, COLUMNS>;
    var inv_std: array<vec4<f32>, COLUMNS>;
    var short_of: array<vec4<f32>, COLUMNS>;
    var scale: array<vec4<f32>, COLUMNS>;
    var shift: array<vec4<f32>, COLUMNS>;
    var bias_sum: array<vec4<f32>, COLUMNS>;
    var weight_sum: array<vec4<f32>, COLUMNS>;
    // @unroll unless COMPACT
    for (var n = 0u; n < unknown(4u * COLUMNS); n++) {
        // A row is whole pixels, and these may be narrower than a vec4.
        let c = (4u * (column + n / 4u * LANES) + n % 4u) % params.channels;
        push(&centre, mean[c]);
        var deviation = spread[c];
        if (FROM_VARIANCE) {
            deviation = 1.0 / sqrt(deviation + params.eps);
        }
        push(&inv_std, deviation);
        let factor = weight[c] * deviation;
        var added = bias[c];
        if (!FROM_VARIANCE) {
            let left = rest[c];
            push(&short_of, left);
            added -= left * factor;
        }
        push(&scale, factor);
        push(&shift, added);
    }
    for (; row + BLOCK <= walk_end; row += BLOCK) {
        let at = row * step + column;
        // @unroll
        for (var e = 0u; e < BLOCK * COLUMNS; e++) {
            var place = at + e / COLUMNS * step + e % COLUMNS * LANES;
            let inside = vec4(4u * place) + vec4(0u, 1u, 2u, 3u) < vec4(params.count);
            if (BLOCK == 1u) {
                place = min(place, last);
            }
            var v = x[place] - centre[e % COLUMNS];
            var g = grad_y[place] * slope(v * scale[e % COLUMNS] + shift[e % COLUMNS], p);
            if (BLOCK == 1u) {
                v = select(vec4(0.0), v, inside);
                g = select(vec4(0.0), g, inside);
            }
            bias_sum[e % COLUMNS] += g;
            weight_sum[e % COLUMNS] += g * v;
        }
    }
    // @unroll
    for (var k = 0u; k < COLUMNS; k++) {
        for (var r = row; BLOCK > 1u && r < end; r++) {
            let at = r * step + column + k * LANES;
            let inside = vec4(4u * at) + vec4(0u, 1u, 2u, 3u) < vec4(params.count);
            if (inside.x) {
                // Behind the last element lies anything: it must not reach a sum.
                let v = select(vec4(0.0), x[at] - centre[k], inside);
                let g = select(vec4(0.0), grad_y[at] * slope(v * scale[k] + shift[k], p), inside);
                bias_sum[k] += g;
                weight_sum[k] += g * v;
            }
        }
        let to = chunk * step + column + k * LANES;
        sums[to] = bias_sum[k];
        sums[params.plane + to] = (weight_sum[k] - short_of[k] * bias_sum[k]) * inv_std[k];
    }
}

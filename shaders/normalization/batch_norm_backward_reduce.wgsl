// Per channel and chunk of rows: Σ g, and Σ g·(x − mean)·inv_std, with g = grad_y·f'((x − mean)·inv_std·weight + bias) and f'
// from the slot: the activation's operand is computed anew, so that the forward pass need not keep it. The sums over the
// chunks are grad_bias and grad_weight.
//
// Layouts: x and grad_y with the channels fastest. A row is lcm(C, 4) elements, as in batch_norm_statistics; sums is two
//   planes [chunks, lcm(C, 4)], which are also [chunks · lcm(C, 4) / C, C]: Σ g, then the other.
// Threads: one vec4 column of a chunk each, columns fastest. Two rows at a time: four need more registers than a CPU has,
//   and took a third longer on llvmpipe.
// Limits: 7 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const FROM_VARIANCE: bool = false; // @const whether `spread` is the variance, and not 1 / √(variance + eps)

struct Params {
    count: u32, // elements of x
    step: u32, // vec4s in a row
    rows: u32, // rows, the last of which may be cut short
    whole_rows: u32, // rows that are not
    chunk: u32, // rows of a thread
    threads: u32,
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
@group(0) @binding(7) var<storage, read_write> sums: array<vec4<f32>>;

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

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let i = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    if (i >= params.threads) {
        return;
    }
    let step = params.step;
    let chunk = i / step;
    let column = i - chunk * step;
    let c = (vec4(4u * column) + vec4(0u, 1u, 2u, 3u)) % params.channels;
    let centre = vec4(mean[c.x], mean[c.y], mean[c.z], mean[c.w]);
    var inv_std = vec4(spread[c.x], spread[c.y], spread[c.z], spread[c.w]);
    if (FROM_VARIANCE) {
        inv_std = 1.0 / sqrt(inv_std + params.eps);
    }
    let scale = vec4(weight[c.x], weight[c.y], weight[c.z], weight[c.w]) * inv_std;
    let shift = vec4(bias[c.x], bias[c.y], bias[c.z], bias[c.w]);
    let p = vec2(params.p0, params.p1);
    var row = chunk * params.chunk;
    let end = min(row + params.chunk, params.rows);
    let whole_end = min(end, params.whole_rows);

    var bias_sum = vec4(0.0);
    var weight_sum = vec4(0.0);
    for (; row + 2u <= whole_end; row += 2u) {
        let at = row * step + column;
        let x0 = x[at] - centre;
        let g0 = grad_y[at] * slope(x0 * scale + shift, p);
        let x1 = x[at + step] - centre;
        let g1 = grad_y[at + step] * slope(x1 * scale + shift, p);
        bias_sum += g0 + g1;
        weight_sum += g0 * x0 + g1 * x1;
    }
    for (; row < end; row++) {
        let at = row * step + column;
        let inside = vec4(4u * at) + vec4(0u, 1u, 2u, 3u) < vec4(params.count);
        if (inside.x) {
            // Behind the last element lies anything: it must not reach a sum.
            let x0 = select(vec4(0.0), x[at] - centre, inside);
            let g = select(vec4(0.0), grad_y[at] * slope(x0 * scale + shift, p), inside);
            bias_sum += g;
            weight_sum += g * x0;
        }
    }
    sums[i] = bias_sum;
    sums[params.threads + i] = weight_sum * inv_std;
}

// What the gradient of x needs of a channel, and grad_bias and grad_weight, from their sums.
//
// Layouts: sums is two planes [C]: grad_bias and grad_weight; channel is four: inv_std·weight, bias, grad_bias / n and
//   grad_weight·inv_std / n, with n values in a channel. What the mean is short of, `rest`, is taken from the bias and the sum.
//   Everything else is [C].
// Threads: one channel each.
// Limits: 8 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const FROM_VARIANCE: bool = false; // @const whether `spread` is the variance, and not 1 / √(variance + eps)

struct Params {
    channels: u32,
    eps: f32,
    per_pixel: f32, // 1 / n
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> sums: array<f32>;
@group(0) @binding(2) var<storage, read> rest: array<f32>; // of the mean; not read if FROM_VARIANCE, where it has none
@group(0) @binding(3) var<storage, read> spread: array<f32>;
@group(0) @binding(4) var<storage, read> weight: array<f32>;
@group(0) @binding(5) var<storage, read> bias: array<f32>;
@group(0) @binding(6) var<storage, read_write> grad_weight: array<f32>;
@group(0) @binding(7) var<storage, read_write> grad_bias: array<f32>;
@group(0) @binding(8) var<storage, read_write> channel: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let c = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    let n = params.channels;
    if (c >= n) {
        return;
    }
    var inv_std = spread[c];
    if (FROM_VARIANCE) {
        inv_std = 1.0 / sqrt(inv_std + params.eps);
    }
    let bias_sum = sums[c];
    let weight_sum = sums[n + c];
    grad_bias[c] = bias_sum;
    grad_weight[c] = weight_sum;
    let scale = weight[c] * inv_std;
    let slope = weight_sum * params.per_pixel * inv_std;
    var shift = bias[c];
    var offset = bias_sum * params.per_pixel;
    if (!FROM_VARIANCE) {
        shift -= rest[c] * scale;
        offset -= rest[c] * slope;
    }
    channel[c] = scale;
    channel[n + c] = shift;
    channel[2u * n + c] = offset;
    channel[3u * n + c] = slope;
}

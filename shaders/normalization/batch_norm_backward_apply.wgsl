// grad_x = weight·inv_std·(grad_y − (grad_bias + x̂·grad_weight) / n) with x̂ = (x − mean)·inv_std and n values in a
// channel; where the statistics are constants (evaluation), grad_x = weight·inv_std·grad_y.
// (Ioffe and Szegedy, arXiv 1502.03167, section 3.)
//
// Layouts: x, grad_y and grad_x with the channels fastest; the rest is [C].
// Threads: one vec4 column of ROWS rows each, as in batch_norm_normalise.
// Limits: 8 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const ROWS: u32 = 8u; // @const rows of a thread
const TRAIN: bool = true; // @const whether mean and variance depend on x
const FROM_VARIANCE: bool = false; // @const whether `spread` is the variance, and not 1 / √(variance + eps)

struct Params {
    vectors: u32, // vec4s of x
    step: u32, // vec4s in a row
    channels: u32,
    eps: f32,
    share: f32, // 1 / n
    pad: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> grad_y: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> mean: array<f32>;
@group(0) @binding(4) var<storage, read> spread: array<f32>;
@group(0) @binding(5) var<storage, read> weight: array<f32>;
@group(0) @binding(6) var<storage, read> grad_weight: array<f32>;
@group(0) @binding(7) var<storage, read> grad_bias: array<f32>;
@group(0) @binding(8) var<storage, read_write> grad_x: array<vec4<f32>>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let i = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    let band = i / params.step;
    let column = i - band * params.step;
    var at = band * ROWS * params.step + column;
    if (at >= params.vectors) {
        return;
    }
    let c = (vec4(4u * column) + vec4(0u, 1u, 2u, 3u)) % params.channels;
    let centre = vec4(mean[c.x], mean[c.y], mean[c.z], mean[c.w]);
    var inv_std = vec4(spread[c.x], spread[c.y], spread[c.z], spread[c.w]);
    if (FROM_VARIANCE) {
        inv_std = 1.0 / sqrt(inv_std + params.eps);
    }
    let scale = vec4(weight[c.x], weight[c.y], weight[c.z], weight[c.w]) * inv_std;
    var offset = vec4(0.0);
    var slope = vec4(0.0);
    if (TRAIN) {
        offset = vec4(grad_bias[c.x], grad_bias[c.y], grad_bias[c.z], grad_bias[c.w]) * params.share;
        slope = vec4(grad_weight[c.x], grad_weight[c.y], grad_weight[c.z], grad_weight[c.w]) * params.share * inv_std;
    }
    for (var row = 0u; row < ROWS; row++) {
        if (at < params.vectors) {
            var g = grad_y[at];
            if (TRAIN) {
                g -= offset + (x[at] - centre) * slope;
            }
            grad_x[at] = g * scale;
        }
        at += params.step;
    }
}

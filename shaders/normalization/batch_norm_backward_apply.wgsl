// grad_x = weight·inv_std·(g − (grad_bias + x̂·grad_weight) / n) with x̂ = (x − mean)·inv_std, n values in a channel and
// g = grad_y·f'(x̂·weight + bias), f' from the slot; where the statistics are constants (evaluation),
// grad_x = weight·inv_std·g. (Ioffe and Szegedy, arXiv 1502.03167, section 3.)
//
// Layouts: x, grad_y and grad_x with the channels fastest; channel is five planes [C] from batch_norm_backward_finish.
// Threads: one vec4 column of ROWS rows each, as in batch_norm_normalise.
// Limits: 4 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const ROWS: u32 = 8u; // @const rows of a thread
const TRAIN: bool = true; // @const whether mean and variance depend on x

struct Params {
    vectors: u32, // vec4s of x
    step: u32, // vec4s in a row
    channels: u32,
    p0: f32,
    p1: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> grad_y: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> channel: array<f32>;
@group(0) @binding(4) var<storage, read_write> grad_x: array<vec4<f32>>;

// @slot unary_derivative
fn unary_derivative(x: f32, p: vec2<f32>) -> f32 {
    return 1.0;
}
// @end

// One number of each of the four channels c.
fn of_channels(plane: u32, c: vec4<u32>) -> vec4<f32> {
    let at = vec4(plane * params.channels) + c;
    return vec4(channel[at.x], channel[at.y], channel[at.z], channel[at.w]);
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    // Read once: as far as a driver knows, a store may change it.
    let step = params.step;
    let i = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    let band = i / step;
    let column = i - band * step;
    let first = band * ROWS * step + column;
    let end = min(first + ROWS * step, params.vectors);
    if (first >= end) {
        return;
    }
    let c = (vec4(4u * column) + vec4(0u, 1u, 2u, 3u)) % params.channels;
    let centre = of_channels(0u, c);
    let scale = of_channels(1u, c);
    let shift = of_channels(2u, c);
    var offset = vec4(0.0);
    var slope = vec4(0.0);
    if (TRAIN) {
        offset = of_channels(3u, c);
        slope = of_channels(4u, c);
    }
    let p = vec2(params.p0, params.p1);
    for (var at = first; at < end; at += step) {
        let v = x[at] - centre;
        let u = v * scale + shift;
        let derivative = vec4(
            unary_derivative(u.x, p),
            unary_derivative(u.y, p),
            unary_derivative(u.z, p),
            unary_derivative(u.w, p),
        );
        var g = grad_y[at] * derivative;
        if (TRAIN) {
            g -= offset + v * slope;
        }
        grad_x[at] = g * scale;
    }
}

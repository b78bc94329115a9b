// grad_x = scale[c] · mish'(x) · grad_y, mish'(x) = t + x · (1 − t²) · sigmoid(x) with t = tanh(log(1 + exp(x))).
//
// Layouts, threads: as custom_op.wgsl.
// Limits: 4 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup

struct Params {
    count: u32,
    channels: u32,
    factor: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> scale: array<f32>;
@group(0) @binding(3) var<storage, read> grad_y: array<f32>;
@group(0) @binding(4) var<storage, read_write> grad_x: array<f32>;

fn derivative(x: f32) -> f32 {
    let e = exp(-abs(x));
    let above = (1.0 + 2.0 * e) / (1.0 + 2.0 * e + 2.0 * e * e);
    let below = e * (e + 2.0) / (e * (e + 2.0) + 2.0);
    let t = select(below, above, x >= 0.0);
    let sigmoid = select(e, 1.0, x >= 0.0) / (1.0 + e);
    return t + x * (1.0 - t * t) * sigmoid;
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let i = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    if (i < params.count) {
        grad_x[i] = params.factor * scale[i % params.channels] * derivative(x[i]) * grad_y[i];
    }
}

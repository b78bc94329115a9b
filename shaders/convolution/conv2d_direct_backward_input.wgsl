// grad_x[n, i, h, w] = Σ grad_y[n, o, oh, ow] · w[o, i, kh, kw] over the outputs o of i's group and the taps with
// h = oh · stride + kh · dilation − padding and w likewise: the gradient of conv2d_direct by its input.
//
// Layouts: any, by the strides of the logical axes; those of x hold for grad_x, those of y for grad_y.
// Threads: one element of grad_x each, neighbours along C; it looks for the windows that it was in.
// Limits: 3 storage buffers, no workgroup memory; KH · (KW + 1) · (O/groups + 1) < 65,535, where Mesa before 23 stops a
//   shader's loops.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup

struct Geometry {
    x_shape: vec4<u32>, // N C H W
    w_shape: vec4<u32>, // O C/groups KH KW
    y_shape: vec4<u32>, // N O OH OW
    stride: vec2<u32>,
    padding: vec2<u32>,
    dilation: vec2<u32>,
    groups: u32,
    pad: u32,
}

struct Params {
    geometry: Geometry,
    x_strides: vec4<u32>,
    w_strides: vec4<u32>,
    y_strides: vec4<u32>,
    count: u32, // threads with work
    chunk: u32, // pixels of y summed by one split of a weight gradient
    p0: f32,
    p1: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> grad_y: array<f32>;
@group(0) @binding(2) var<storage, read> w: array<f32>;
@group(0) @binding(3) var<storage, read_write> grad_x: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let i = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    if (i >= params.count) {
        return;
    }
    let channel = i % params.geometry.x_shape.y;
    let column = i / params.geometry.x_shape.y % params.geometry.x_shape.w;
    let row = i / (params.geometry.x_shape.y * params.geometry.x_shape.w) % params.geometry.x_shape.z;
    let image = i / (params.geometry.x_shape.y * params.geometry.x_shape.w * params.geometry.x_shape.z);
    let inputs = params.geometry.w_shape.y;
    let outputs = params.geometry.w_shape.x / params.geometry.groups;
    let first_output = channel / inputs * outputs;

    let y_base = image * params.y_strides.x + first_output * params.y_strides.y;
    let w_base = first_output * params.w_strides.x + channel % inputs * params.w_strides.y;
    var sum = 0.0;
    for (var tap_row = 0u; tap_row < params.geometry.w_shape.z; tap_row++) {
        // Negative distances wrap to huge numbers, whose quotient is beyond every window.
        let down = row + params.geometry.padding.x - tap_row * params.geometry.dilation.x;
        let y_row = down / params.geometry.stride.x;
        if (y_row < params.geometry.y_shape.z && y_row * params.geometry.stride.x == down) {
            for (var tap_column = 0u; tap_column < params.geometry.w_shape.w; tap_column++) {
                let right = column + params.geometry.padding.y - tap_column * params.geometry.dilation.y;
                let y_column = right / params.geometry.stride.y;
                if (y_column < params.geometry.y_shape.w && y_column * params.geometry.stride.y == right) {
                    var y_at = y_base + y_row * params.y_strides.z + y_column * params.y_strides.w;
                    var w_at = w_base + tap_row * params.w_strides.z + tap_column * params.w_strides.w;
                    for (var output = 0u; output < outputs; output++) {
                        sum += grad_y[y_at] * w[w_at];
                        y_at += params.y_strides.y;
                        w_at += params.w_strides.x;
                    }
                }
            }
        }
    }
    let at = image * params.x_strides.x + channel * params.x_strides.y + row * params.x_strides.z
        + column * params.x_strides.w;
    grad_x[at] = sum;
}

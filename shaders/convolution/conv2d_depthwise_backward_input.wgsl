// grad_x[n, c, h, w] = Σ grad_y[n, c, oh, ow] · w[c, kh, kw] over the taps with h = oh · stride + kh · dilation − padding
// and w likewise: the gradient of conv2d_depthwise by its input.
//
// Layouts: grad_x and grad_y are channels-last, w is packed [KH, KW, C]; C is a multiple of 4, and the host counts channels
//   and their strides in vec4s.
// Threads: four channels of a pixel of grad_x each, neighbours along C; it looks for the windows that it was in.
// Limits: 3 storage buffers, no workgroup memory; the taps are written out, so KH · KW should stay below some hundreds.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const KERNEL_ROWS: u32 = 3u; // @const KH
const KERNEL_COLUMNS: u32 = 3u; // @const KW

struct Params {
    x_shape: vec4<u32>, // N C H W
    w_shape: vec4<u32>, // O C/groups KH KW
    y_shape: vec4<u32>, // N O OH OW
    x_strides: vec4<u32>,
    w_strides: vec4<u32>,
    y_strides: vec4<u32>,
    stride: vec2<u32>,
    padding: vec2<u32>,
    dilation: vec2<u32>,
    groups: u32,
    count: u32, // threads with work
    chunk: u32, // pixels of y summed by one split of a weight gradient
    first: u32, // image of a batch that is done in parts
    p0: f32,
    p1: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> grad_y: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> w: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> grad_x: array<vec4<f32>>;

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
    let channels = params.x_shape.y;
    let channel = i % channels;
    let column = i / channels % params.x_shape.w;
    let row = i / (channels * params.x_shape.w) % params.x_shape.z;
    let image = i / (channels * params.x_shape.w * params.x_shape.z);

    var sum = vec4<f32>();
    // @unroll
    for (var tap_row = 0u; tap_row < KERNEL_ROWS; tap_row++) {
        // Negative distances wrap to huge numbers, whose quotient is beyond every window.
        let down = row + params.padding.x - tap_row * params.dilation.x;
        let y_row = down / params.stride.x;
        if (y_row < params.y_shape.z && y_row * params.stride.x == down) {
            let line = image * params.y_strides.x + y_row * params.y_strides.z + channel;
            // @unroll
            for (var tap_column = 0u; tap_column < KERNEL_COLUMNS; tap_column++) {
                let right = column + params.padding.y - tap_column * params.dilation.y;
                let y_column = right / params.stride.y;
                if (y_column < params.y_shape.w && y_column * params.stride.y == right) {
                    let weight = w[(tap_row * KERNEL_COLUMNS + tap_column) * channels + channel];
                    sum += grad_y[line + y_column * params.y_strides.w] * weight;
                }
            }
        }
    }
    grad_x[i] = sum;
}

// partials[s, kh, kw, c] = Σ grad_y[n, c, oh, ow] · x[n, c, oh · stride + kh · dilation − padding, …] over the pixels
// (n, oh, ow) number s · chunk … (s + 1) · chunk − 1 of y: the gradient of conv2d_depthwise by its weight, in parts that
// matmul_split_k_reduce adds up in a fixed order.
//
// Layouts: x and grad_y are channels-last, partials is [splits, KH, KW, C]; C is a multiple of 4, and the host counts
//   channels and their strides in vec4s.
// Threads: four channels of one tap of one part each, neighbours along C.
// Limits: 3 storage buffers, no workgroup memory; chunk < 65,535, where Mesa before 23 stops a loop.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup

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
@group(0) @binding(2) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> partials: array<vec4<f32>>;

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
    let tap_column = i / channels % params.w_shape.w;
    let tap_row = i / (channels * params.w_shape.w) % params.w_shape.z;
    let split = i / (channels * params.w_shape.w * params.w_shape.z);

    let plane = params.y_shape.z * params.y_shape.w;
    let first = split * params.chunk;
    let last = min(first + params.chunk, params.y_shape.x * plane);
    var sum = vec4<f32>();
    var column = first % params.y_shape.w;
    var row = first / params.y_shape.w % params.y_shape.z;
    var image = first / plane;
    for (var pixel = first; pixel < last; pixel++) {
        // A tap above or left of the image wraps to a huge number, and fails the same test as one below or right of it.
        let x_row = row * params.stride.x + tap_row * params.dilation.x - params.padding.x;
        let x_column = column * params.stride.y + tap_column * params.dilation.y - params.padding.y;
        if (x_row < params.x_shape.z && x_column < params.x_shape.w) {
            let at = image * params.x_strides.x + x_row * params.x_strides.z + x_column * params.x_strides.w + channel;
            // Channels-last pixels follow one another.
            sum += x[at] * grad_y[pixel * channels + channel];
        }
        column += 1u;
        if (column == params.y_shape.w) {
            column = 0u;
            row += 1u;
            if (row == params.y_shape.z) {
                row = 0u;
                image += 1u;
            }
        }
    }
    partials[i] = sum;
}

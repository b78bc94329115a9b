// partials[s, o, i, kh, kw] = Σ grad_y[n, o, oh, ow] · x[n, i, oh · stride + kh · dilation − padding, …] over the pixels
// (n, oh, ow) number s · chunk … (s + 1) · chunk − 1 of y: the gradient of conv2d_direct by its weight, in parts that
// matmul_split_k_reduce adds up in a fixed order.
//
// Layouts: x and grad_y any, by the strides of the logical axes; partials is [splits, O, C/groups, KH, KW] row-major.
// Threads: one element of partials each, neighbours along the input channels, which are neighbours in a channels-last x.
// Limits: 3 storage buffers, no workgroup memory; chunk < 65,535, where Mesa before 23 stops a loop.

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
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;

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
    let inputs = params.geometry.w_shape.y;
    let taps = params.geometry.w_shape.z * params.geometry.w_shape.w;
    let input = i % inputs;
    let tap_column = i / inputs % params.geometry.w_shape.w;
    let tap_row = i / (inputs * params.geometry.w_shape.w) % params.geometry.w_shape.z;
    let output = i / (inputs * taps) % params.geometry.w_shape.x;
    let split = i / (inputs * taps * params.geometry.w_shape.x);
    let channel = output / (params.geometry.w_shape.x / params.geometry.groups) * inputs + input;

    let plane = params.geometry.y_shape.z * params.geometry.y_shape.w;
    let first = split * params.chunk;
    let last = min(first + params.chunk, params.geometry.y_shape.x * plane);
    let x_base = channel * params.x_strides.y;
    let y_base = output * params.y_strides.y;
    var sum = 0.0;
    var column = first % params.geometry.y_shape.w;
    var row = first / params.geometry.y_shape.w % params.geometry.y_shape.z;
    var image = first / plane;
    for (var pixel = first; pixel < last; pixel++) {
        // A tap above or left of the image wraps to a huge number, and fails the same test as one below or right of it.
        let x_row = row * params.geometry.stride.x + tap_row * params.geometry.dilation.x - params.geometry.padding.x;
        let x_column = column * params.geometry.stride.y + tap_column * params.geometry.dilation.y - params.geometry.padding.y;
        if (x_row < params.geometry.x_shape.z && x_column < params.geometry.x_shape.w) {
            let x_at = x_base + image * params.x_strides.x + x_row * params.x_strides.z + x_column * params.x_strides.w;
            let y_at = y_base + image * params.y_strides.x + row * params.y_strides.z + column * params.y_strides.w;
            sum += x[x_at] * grad_y[y_at];
        }
        column += 1u;
        if (column == params.geometry.y_shape.w) {
            column = 0u;
            row += 1u;
            if (row == params.geometry.y_shape.z) {
                row = 0u;
                image += 1u;
            }
        }
    }
    partials[((split * params.geometry.w_shape.x + output) * inputs + input) * taps + tap_row * params.geometry.w_shape.w + tap_column] = sum;
}

// grad_x[n, g · C/groups + i, h, w] = Σ grad_columns[g, (n, oh, ow), (kh, kw, i)] over the taps with
// h = oh · stride + kh · dilation − padding and w likewise: the adjoint of im2col, every pixel gathering what was taken
// from it.
//
// Layouts: as im2col.
// Threads: one element of grad_x each, neighbours along C; no two write the same one, so the sum has a fixed order.
// Limits: 2 storage buffers, no workgroup memory; KH · (KW + 1) < 65,535, where Mesa before 23 stops a shader's loops.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
alias Element = f32; // @const f32, or vec4<f32> where C/groups is a multiple of 4

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
@group(0) @binding(1) var<storage, read> grad_columns: array<Element>;
@group(0) @binding(2) var<storage, read_write> grad_x: array<Element>;

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
    // The first window of the image, among the rows of this group's matrix.
    let first = (channel / inputs * params.geometry.y_shape.x + image) * params.geometry.y_shape.z * params.geometry.y_shape.w;
    let input = channel % inputs;

    var sum = Element();
    for (var tap_row = 0u; tap_row < params.geometry.w_shape.z; tap_row++) {
        // Negative distances wrap to huge numbers, whose quotient is beyond every window.
        let down = row + params.geometry.padding.x - tap_row * params.geometry.dilation.x;
        let y_row = down / params.geometry.stride.x;
        if (y_row < params.geometry.y_shape.z && y_row * params.geometry.stride.x == down) {
            for (var tap_column = 0u; tap_column < params.geometry.w_shape.w; tap_column++) {
                let right = column + params.geometry.padding.y - tap_column * params.geometry.dilation.y;
                let y_column = right / params.geometry.stride.y;
                if (y_column < params.geometry.y_shape.w && y_column * params.geometry.stride.y == right) {
                    let window = first + y_row * params.geometry.y_shape.w + y_column;
                    let tap = tap_row * params.geometry.w_shape.w + tap_column;
                    sum += grad_columns[(window * params.geometry.w_shape.z * params.geometry.w_shape.w + tap) * inputs + input];
                }
            }
        }
    }
    grad_x[i] = sum;
}

// grad_x[n, g · C/groups + i, h, w] = Σ grad_columns[g, (n, oh, ow), (kh, kw, i)] over the taps with
// h = oh · stride + kh · dilation − padding and w likewise: the adjoint of im2col, every pixel gathering what was taken
// from it.
//
// Layouts: as im2col.
// Threads: one element of grad_x each, neighbours along C; no two write the same one, so the sum has a fixed order.
// Limits: 2 storage buffers, no workgroup memory; KH · (KW + 1) < 65,535, where Mesa before 23 stops a shader's loops.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
alias Element = f32; // @const f32, or vec4<f32> where C/groups is a multiple of 4

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
    pad: u32,
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
    let channel = i % params.x_shape.y;
    let column = i / params.x_shape.y % params.x_shape.w;
    let row = i / (params.x_shape.y * params.x_shape.w) % params.x_shape.z;
    let image = i / (params.x_shape.y * params.x_shape.w * params.x_shape.z);
    let inputs = params.w_shape.y;
    // The first window of the image, among the rows of this group's matrix.
    let first = (channel / inputs * params.y_shape.x + image) * params.y_shape.z * params.y_shape.w;
    let input = channel % inputs;

    var sum = Element();
    for (var tap_row = 0u; tap_row < params.w_shape.z; tap_row++) {
        // Negative distances wrap to huge numbers, whose quotient is beyond every window.
        let down = row + params.padding.x - tap_row * params.dilation.x;
        let y_row = down / params.stride.x;
        if (y_row < params.y_shape.z && y_row * params.stride.x == down) {
            for (var tap_column = 0u; tap_column < params.w_shape.w; tap_column++) {
                let right = column + params.padding.y - tap_column * params.dilation.y;
                let y_column = right / params.stride.y;
                if (y_column < params.y_shape.w && y_column * params.stride.y == right) {
                    let window = first + y_row * params.y_shape.w + y_column;
                    let tap = tap_row * params.w_shape.w + tap_column;
                    sum += grad_columns[(window * params.w_shape.z * params.w_shape.w + tap) * inputs + input];
                }
            }
        }
    }
    grad_x[i] = sum;
}

// columns[g, (n, oh, ow), (kh, kw, i)] = x[n, g · C/groups + i, oh · stride + kh · dilation − padding, …], 0 outside: every
// window of x as a row, so that a convolution becomes a product with the weight (Chellapilla, Puri and Simard 2006).
//
// Layouts: x is channels-last (N H W C in memory); columns is [groups, N·OH·OW, KH·KW·C/groups] row-major. An element may
//   be a vec4 of channels; then the host counts channels and their strides in vec4s.
// Threads: one element of columns each, neighbours along i.
// Limits: 2 storage buffers, no workgroup memory; columns has KH · KW / stride² times as many elements as x.

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
@group(0) @binding(1) var<storage, read> x: array<Element>;
@group(0) @binding(2) var<storage, read_write> columns: array<Element>;

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
    var rest = i;
    let input = rest % params.geometry.w_shape.y;
    rest /= params.geometry.w_shape.y;
    let tap_column = rest % params.geometry.w_shape.w;
    rest /= params.geometry.w_shape.w;
    let tap_row = rest % params.geometry.w_shape.z;
    rest /= params.geometry.w_shape.z;
    let column = rest % params.geometry.y_shape.w;
    rest /= params.geometry.y_shape.w;
    let row = rest % params.geometry.y_shape.z;
    rest /= params.geometry.y_shape.z;
    let image = rest % params.geometry.y_shape.x;
    let channel = rest / params.geometry.y_shape.x * params.geometry.w_shape.y + input;

    // A tap above or left of the image wraps to a huge number, and fails the same test as one below or right of it.
    let x_row = row * params.geometry.stride.x + tap_row * params.geometry.dilation.x - params.geometry.padding.x;
    let x_column = column * params.geometry.stride.y + tap_column * params.geometry.dilation.y - params.geometry.padding.y;
    var value = Element();
    if (x_row < params.geometry.x_shape.z && x_column < params.geometry.x_shape.w) {
        value = x[image * params.x_strides.x + x_row * params.x_strides.z + x_column * params.x_strides.w + channel];
    }
    columns[i] = value;
}

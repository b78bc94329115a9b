// y[n, c, oh, ow] = unary(bias[c] + Σ x[n, c, oh · stride + kh · dilation − padding, …] · w[c, kh, kw]): a convolution with one
// filter to a channel (Howard et al., MobileNets, arXiv 1704.04861). There is no sum over channels to share, so it is
// bound by memory: four channels travel in one load, and a weight is used for COLUMNS windows.
//
// Layouts: x and y are channels-last, w is packed [KH, KW, C]; C is a multiple of 4, and the host counts channels and their
//   strides in vec4s.
// Threads: four channels of COLUMNS neighbouring windows of a row each, neighbours along C.
// Limits: 4 storage buffers (without HAS_BIAS any read-only buffer stands in for bias), no workgroup memory; the taps
//   are written out, so KH · KW · COLUMNS should stay below some hundreds.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const COLUMNS: u32 = 4u; // @const windows of a thread
const KERNEL_ROWS: u32 = 3u; // @const KH
const KERNEL_COLUMNS: u32 = 3u; // @const KW
const HAS_BIAS: bool = false; // @const add bias

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
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> w: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4<f32>>;

// @slot unary
fn unary(x: f32, p: vec2<f32>) -> f32 {
    return x;
}
// @end

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
    let spans = (params.y_shape.w + COLUMNS - 1u) / COLUMNS;
    let column0 = i / channels % spans * COLUMNS;
    let row = i / (channels * spans) % params.y_shape.z;
    let image = i / (channels * spans * params.y_shape.z);

    var sum: array<vec4<f32>, COLUMNS>;
    // @unroll
    for (var tap_row = 0u; tap_row < KERNEL_ROWS; tap_row++) {
        // A tap above or left of the image wraps to a huge number, and fails the same test as one below or right of it.
        let x_row = row * params.stride.x + tap_row * params.dilation.x - params.padding.x;
        if (x_row < params.x_shape.z) {
            let line = image * params.x_strides.x + x_row * params.x_strides.z + channel;
            // @unroll
            for (var tap_column = 0u; tap_column < KERNEL_COLUMNS; tap_column++) {
                let weight = w[(tap_row * KERNEL_COLUMNS + tap_column) * channels + channel];
                // @unroll
                for (var j = 0u; j < COLUMNS; j++) {
                    let x_column = (column0 + j) * params.stride.y + tap_column * params.dilation.y - params.padding.y;
                    if (x_column < params.x_shape.w) {
                        sum[j] += x[line + x_column * params.x_strides.w] * weight;
                    }
                }
            }
        }
    }
    var add = vec4<f32>();
    if (HAS_BIAS) {
        add = bias[channel];
    }
    let p = vec2(params.p0, params.p1);
    let line = image * params.y_strides.x + row * params.y_strides.z + channel;
    // @unroll
    for (var j = 0u; j < COLUMNS; j++) {
        if (column0 + j < params.y_shape.w) {
            let v = sum[j] + add;
            y[line + (column0 + j) * params.y_strides.w] = vec4(unary(v.x, p), unary(v.y, p), unary(v.z, p), unary(v.w, p));
        }
    }
}

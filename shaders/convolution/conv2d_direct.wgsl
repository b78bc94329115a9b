// y[n, o, oh, ow] = unary(residual + bias[o] + Σ x[n, i, oh · stride + kh · dilation − padding, …] · w[o, i, kh, kw]) over the
// input channels i of o's group and the taps kh, kw that fall inside: the definition of a convolution, written down.
//
// Layouts: any, by the strides of the logical axes N C H W, O I KH KW and N O OH OW.
// Threads: one element of y each, neighbours along O, which are neighbours in a channels-last y.
// Limits: 5 storage buffers (any read-only buffer stands in for a bias or residual that is not added), no workgroup memory;
//   KH · (KW + 1) · (C/groups + 1) < 65,535, where Mesa before 23 stops a shader's loops.

enable f16;

alias Operand = f32; // @const type of x and w: f32 or f16
alias Output = f32; // @const type of y and residual: that of x
const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const HAS_BIAS: bool = false; // @const add bias
const HAS_RESIDUAL: bool = false; // @const add residual, of the shape and layout of the result
const RESIDUAL_IN_PLACE: bool = false; // @const the residual is what the result's memory holds

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
@group(0) @binding(1) var<storage, read> x: array<Operand>;
@group(0) @binding(2) var<storage, read> w: array<Operand>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> residual: array<Output>;
@group(0) @binding(5) var<storage, read_write> y: array<Output>;

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
    let output = i % params.geometry.y_shape.y;
    let column = i / params.geometry.y_shape.y % params.geometry.y_shape.w;
    let row = i / (params.geometry.y_shape.y * params.geometry.y_shape.w) % params.geometry.y_shape.z;
    let image = i / (params.geometry.y_shape.y * params.geometry.y_shape.w * params.geometry.y_shape.z);
    let inputs = params.geometry.w_shape.y;
    let first_input = output / (params.geometry.w_shape.x / params.geometry.groups) * inputs;

    let x_base = image * params.x_strides.x + first_input * params.x_strides.y;
    let w_base = output * params.w_strides.x;
    var sum = 0.0;
    for (var tap_row = 0u; tap_row < params.geometry.w_shape.z; tap_row++) {
        // A tap above or left of the image wraps to a huge number, and fails the same test as one below or right of it.
        let x_row = row * params.geometry.stride.x + tap_row * params.geometry.dilation.x - params.geometry.padding.x;
        if (x_row < params.geometry.x_shape.z) {
            for (var tap_column = 0u; tap_column < params.geometry.w_shape.w; tap_column++) {
                let x_column = column * params.geometry.stride.y + tap_column * params.geometry.dilation.y - params.geometry.padding.y;
                if (x_column < params.geometry.x_shape.w) {
                    var x_at = x_base + x_row * params.x_strides.z + x_column * params.x_strides.w;
                    var w_at = w_base + tap_row * params.w_strides.z + tap_column * params.w_strides.w;
                    for (var input = 0u; input < inputs; input++) {
                        sum += f32(x[x_at]) * f32(w[w_at]);
                        x_at += params.x_strides.y;
                        w_at += params.w_strides.y;
                    }
                }
            }
        }
    }
    if (HAS_BIAS) {
        sum += bias[output];
    }
    let at = image * params.y_strides.x + output * params.y_strides.y + row * params.y_strides.z
        + column * params.y_strides.w;
    if (HAS_RESIDUAL) {
        if RESIDUAL_IN_PLACE { sum += f32(y[at]); } else { sum += f32(residual[at]); }
    }
    y[at] = Output(unary(sum, vec2(params.p0, params.p1)));
}

// dx[n,ih,iw,c] = Σ_{kh,kw} dy[n,oh,ow,c] * w[kh,kw,c] over the taps with oh*sh = ih + ph - kh*dh and
// ow*sw = iw + pw - kw*dw: the gradient of a depthwise convolution by its input, any stride, fp32. No subgroup
// function, no workgroup memory: any device. (Stride 1 is quicker with conv2d_depthwise.wgsl and FLIP.)
//
// Layouts:  channels-last. dy is [N,Ho,Wo,C], dx is [N,H,W,C], the weight is [KH,KW,C].
// Threads:  one invocation = one pixel of dx x four channels, channels fastest.
// Limits:   3 storage buffers. DILATION_H, DILATION_W as the operation's (const: llvmpipe has no vector division by a variable).
//           VEC: C % 4 == 0; else false. units = N * H * W * ceil(C / 4), workgroups = ceil(units / 64).
//           Every element of dx is written. Bound sizes are multiples of 16 bytes (pad).

const DILATION_H: u32 = 1u; // @const dilation along a column
const DILATION_W: u32 = 1u; // @const dilation along a row
const VEC: bool = false; // @const the number of channels is a multiple of 4

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
    units: u32,
    pad0: u32, pad1: u32, pad2: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> dx: array<vec4<f32>>;

fn scalar_dy(i: u32) -> f32 { return dy[i >> 2u][i & 3u]; }
fn scalar_w(i: u32) -> f32 { return weight[i >> 2u][i & 3u]; }

/// Four channels from element i on, of which `count` exist; the others repeat the last one.
fn load_dy(i: u32, count: u32) -> vec4<f32> {
    if VEC { return dy[i >> 2u]; }
    let last = count - 1u;
    return vec4(scalar_dy(i), scalar_dy(i + min(1u, last)), scalar_dy(i + min(2u, last)), scalar_dy(i + min(3u, last)));
}
fn load_w(i: u32, count: u32) -> vec4<f32> {
    if VEC { return weight[i >> 2u]; }
    let last = count - 1u;
    return vec4(scalar_w(i), scalar_w(i + min(1u, last)), scalar_w(i + min(2u, last)), scalar_w(i + min(3u, last)));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let id = (wg.x + grid.x * (wg.y + grid.y * wg.z)) * 64u + local;
    let unit = min(id, params.units - 1u);
    let quads = (params.geometry.x_shape.y + 3u) / 4u;
    let pixel = unit / quads;
    let channel = (unit - pixel * quads) * 4u;
    let count = min(4u, params.geometry.x_shape.y - channel);
    let line = pixel / params.geometry.x_shape.w;
    let n = line / params.geometry.x_shape.z;
    // Walk back over the outputs (oh, ow) that may use this pixel: the j-th before the last one meets the tap
    // (rest + j * stride) / dilation, when that is a whole number. An output before the first wraps to outside.
    let bottom = line - n * params.geometry.x_shape.z + params.geometry.padding.x;
    let right = pixel - line * params.geometry.x_shape.w + params.geometry.padding.y;
    let last_oh = bottom / params.geometry.stride.x;
    let last_ow = right / params.geometry.stride.y;
    let turns_h = (params.geometry.w_shape.z - 1u) * DILATION_H / params.geometry.stride.x + 1u;
    let turns_w = (params.geometry.w_shape.w - 1u) * DILATION_W / params.geometry.stride.y + 1u;

    var acc = vec4<f32>();
    for (var i = 0u; i < turns_h; i++) {
        let oh = last_oh - i;
        let th = bottom - oh * params.geometry.stride.x;
        let kh = th / DILATION_H;
        let row_inside = kh * DILATION_H == th && kh < params.geometry.w_shape.z && oh < params.geometry.y_shape.z;
        let row = (n * params.geometry.y_shape.z + oh) * params.geometry.y_shape.w;
        for (var j = 0u; j < turns_w; j++) {
            let ow = last_ow - j;
            let tw = right - ow * params.geometry.stride.y;
            let kw = tw / DILATION_W;
            let inside = row_inside && kw * DILATION_W == tw && kw < params.geometry.w_shape.w && ow < params.geometry.y_shape.w;
            let v = load_dy(select(0u, row + ow, inside) * params.geometry.x_shape.y + channel, count);
            let w = load_w(select(0u, kh * params.geometry.w_shape.w + kw, inside) * params.geometry.x_shape.y + channel, count);
            acc += select(vec4<f32>(), v * w, inside);
        }
    }
    if id >= params.units { return; }
    let at = pixel * params.geometry.x_shape.y + channel;
    if VEC {
        dx[at >> 2u] = acc;
    } else {
        // @unroll
        for (var j = 0u; j < 4u; j++) {
            if j < count { dx[(at + j) >> 2u][(at + j) & 3u] = acc[j]; }
        }
    }
}

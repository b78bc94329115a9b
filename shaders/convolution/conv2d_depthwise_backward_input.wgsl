// dx[n,ih,iw,c] = Σ_{kh,kw} dy[n,oh,ow,c] * w[kh,kw,c] over the taps with oh*sh = ih + ph - kh*dh and
// ow*sw = iw + pw - kw*dw: the gradient of a depthwise convolution by its input, any stride, fp32. No subgroup
// function, no workgroup memory: any device. (Stride 1 is quicker with conv2d_depthwise.wgsl and FLIP.)
//
// Layouts:  channels-last. dy is [N,Ho,Wo,C], dx is [N,H,W,C], the weight is [KH,KW,C].
// Threads:  one invocation = one pixel of dx x four channels, channels fastest.
// Limits:   3 storage buffers. DILATION_H, DILATION_W as the operation's (const: llvmpipe has no vector division by a variable).
//           VEC: C % 4 == 0; else false. units = N * H * W * ceil(C / 4), groups = ceil(units / 64) (workgroups).
//           Every element of dx is written. Bound sizes are multiples of 16 bytes (pad).

const DILATION_H: u32 = 1u; // @const dilation along a column
const DILATION_W: u32 = 1u; // @const dilation along a row
const VEC: bool = false; // @const the number of channels is a multiple of 4

struct Params {
    batch: u32, height: u32, width: u32, channels: u32, // dx
    out_height: u32, out_width: u32, // dy
    kernel_h: u32, kernel_w: u32, stride_h: u32, stride_w: u32,
    pad_h: u32, pad_w: u32,
    units: u32,
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
    let quads = (params.channels + 3u) / 4u;
    let pixel = unit / quads;
    let channel = (unit - pixel * quads) * 4u;
    let count = min(4u, params.channels - channel);
    let line = pixel / params.width;
    let n = line / params.height;
    // Walk back over the outputs (oh, ow) that may use this pixel: the j-th before the last one meets the tap
    // (rest + j * stride) / dilation, when that is a whole number. An output before the first wraps to outside.
    let bottom = line - n * params.height + params.pad_h;
    let right = pixel - line * params.width + params.pad_w;
    let last_oh = bottom / params.stride_h;
    let last_ow = right / params.stride_w;
    let turns_h = (params.kernel_h - 1u) * DILATION_H / params.stride_h + 1u;
    let turns_w = (params.kernel_w - 1u) * DILATION_W / params.stride_w + 1u;

    var acc = vec4<f32>();
    for (var i = 0u; i < turns_h; i++) {
        let oh = last_oh - i;
        let th = bottom - oh * params.stride_h;
        let kh = th / DILATION_H;
        let row_inside = kh * DILATION_H == th && kh < params.kernel_h && oh < params.out_height;
        let row = (n * params.out_height + oh) * params.out_width;
        for (var j = 0u; j < turns_w; j++) {
            let ow = last_ow - j;
            let tw = right - ow * params.stride_w;
            let kw = tw / DILATION_W;
            let inside = row_inside && kw * DILATION_W == tw && kw < params.kernel_w && ow < params.out_width;
            let v = load_dy(select(0u, row + ow, inside) * params.channels + channel, count);
            let w = load_w(select(0u, kh * params.kernel_w + kw, inside) * params.channels + channel, count);
            acc += select(vec4<f32>(), v * w, inside);
        }
    }
    if id >= params.units { return; }
    let at = pixel * params.channels + channel;
    if VEC {
        dx[at >> 2u] = acc;
    } else {
        // @unroll
        for (var j = 0u; j < 4u; j++) {
            if j < count { dx[(at + j) >> 2u][(at + j) & 3u] = acc[j]; }
        }
    }
}

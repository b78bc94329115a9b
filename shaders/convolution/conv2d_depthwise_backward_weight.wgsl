// dw[kh,kw,c] = Σ_{n,oh,ow} x[n, oh*sh - ph + kh*dh, ow*sw - pw + kw*dw, c] * dy[n,oh,ow,c]: the gradient of a
// depthwise convolution by its weight, fp32. No subgroup function, no workgroup memory: any device.
//
// Layouts:  channels-last. x is [N,H,W,C], dy is [N,Ho,Wo,C], the output is [splits,KH,KW,C]: partial sums for
//           matmul_split_k_reduce.wgsl (with one split it is dw itself), so the result is deterministic.
// Threads:  one invocation = one kernel row (its KERNEL_W taps in registers) x four channels x one range of pixels,
//           channels fastest, then kernel rows, then ranges.
// Host      VEC: C % 4 == 0; else false. KERNEL_W as the operation's.
//   splits = clamp(ceil(1024 / (ceil(C / 4) * KH)), 1, ceil(N*Ho*Wo / 64)), at least ceil(N*Ho*Wo / 65,535);
//   pixel_chunk = ceil(N*Ho*Wo / splits), then splits = ceil(N*Ho*Wo / pixel_chunk) again;
//   units = ceil(C / 4) * KH * splits, groups = ceil(units / 8) (workgroups). Bound sizes are multiples of 16 bytes.
// Limits:   pixel_chunk <= 65,535 (Mesa before 23 stops a shader after 65,535 loop turns in all).

const KERNEL_W: u32 = 3u; // @const taps along a row
const VEC: bool = false; // @const the number of channels is a multiple of 4

struct Params {
    batch: u32, height: u32, width: u32, channels: u32, // x
    out_height: u32, out_width: u32, // dy
    kernel_h: u32, stride_h: u32, stride_w: u32,
    pad_h: u32, pad_w: u32, dilation_h: u32, dilation_w: u32,
    pixel_chunk: u32, units: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> dy: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> dw: array<vec4<f32>>;

fn scalar_x(i: u32) -> f32 { return x[i >> 2u][i & 3u]; }
fn scalar_dy(i: u32) -> f32 { return dy[i >> 2u][i & 3u]; }

/// Four channels from element i on, of which `count` exist; the others repeat the last one.
fn load_x(i: u32, count: u32) -> vec4<f32> {
    if VEC { return x[i >> 2u]; }
    let last = count - 1u;
    return vec4(scalar_x(i), scalar_x(i + min(1u, last)), scalar_x(i + min(2u, last)), scalar_x(i + min(3u, last)));
}
fn load_dy(i: u32, count: u32) -> vec4<f32> {
    if VEC { return dy[i >> 2u]; }
    let last = count - 1u;
    return vec4(scalar_dy(i), scalar_dy(i + min(1u, last)), scalar_dy(i + min(2u, last)), scalar_dy(i + min(3u, last)));
}

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let id = (wg.x + grid.x * (wg.y + grid.y * wg.z)) * 8u + local;
    let unit = min(id, params.units - 1u);
    let quads = (params.channels + 3u) / 4u;
    let line = unit / quads; // split * KH + kh
    let channel = (unit - line * quads) * 4u;
    let count = min(4u, params.channels - channel);
    let split = line / params.kernel_h;
    let image = params.out_height * params.out_width;
    let begin = split * params.pixel_chunk;
    let end = min(params.batch * image, begin + params.pixel_chunk);

    // The next pixel and the input position of its first tap; a negative one wraps and so lies outside as well.
    var n = begin / image;
    var oh = (begin - n * image) / params.out_width;
    var ow = begin - n * image - oh * params.out_width;
    let top = (line - split * params.kernel_h) * params.dilation_h - params.pad_h;

    var acc: array<vec4<f32>, KERNEL_W>;
    for (var pixel = begin; pixel < end; pixel++) {
        let d = load_dy(pixel * params.channels + channel, count);
        let ih = oh * params.stride_h + top;
        let left = ow * params.stride_w - params.pad_w;
        let row = (n * params.height + ih) * params.width + left;
        // @unroll
        for (var kw = 0u; kw < KERNEL_W; kw++) {
            let inside = ih < params.height && left + kw * params.dilation_w < params.width;
            let v = load_x(select(0u, row + kw * params.dilation_w, inside) * params.channels + channel, count);
            acc[kw] += select(vec4<f32>(), v * d, inside);
        }
        ow += 1u;
        if ow == params.out_width {
            ow = 0u;
            oh += 1u;
            if oh == params.out_height {
                oh = 0u;
                n += 1u;
            }
        }
    }
    if id >= params.units { return; }
    // @unroll
    for (var kw = 0u; kw < KERNEL_W; kw++) {
        let at = (line * KERNEL_W + kw) * params.channels + channel;
        if VEC {
            dw[at >> 2u] = acc[kw];
        } else {
            // @unroll
            for (var j = 0u; j < 4u; j++) {
                if j < count { dw[(at + j) >> 2u][(at + j) & 3u] = acc[kw][j]; }
            }
        }
    }
}

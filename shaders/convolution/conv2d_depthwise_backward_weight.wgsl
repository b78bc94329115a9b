// dw[c,kh,kw] = Σ_{n,oh,ow} x[n, oh*sh - ph + kh*dh, ow*sw - pw + kw*dw, c] * dy[n,oh,ow,c]: the gradient of a
// depthwise convolution by its weight, fp32. No subgroup function, no workgroup memory: any device.
//
// Layouts:  channels-last. x is [N,H,W,C], dy is [N,Ho,Wo,C], dw is [C,KH,KW] as the weight itself. With splits > 1 the
//           output is [splits, dw]: partial sums for matmul_split_k_reduce.wgsl, which adds them in order, so the result is
//           deterministic.
// Threads:  one invocation = four channels and `patches` patches of dy, channels fastest; its KERNEL_H x KERNEL_W sums stay in
//           registers. A patch is `band` rows x STRIP neighbouring columns of an image. It goes down the rows of x, as
//           conv2d_depthwise does, keeps the rows of dy that a row of x meets, and so loads each element of both once
//           (columns of x between strips twice). Rows and columns of dy beyond its image are zeros that are multiplied: a filter
//           that meets an infinity or a NaN of x may be NaN as a whole.
// Host      KERNEL, STRIDE and DILATION as the operation's. VEC: C % 4 == 0; else false.
//   bands = ceil(Ho / band), strips = ceil(Wo / STRIP), all = N * bands * strips, splits = ceil(all / patches),
//   units = splits * ceil(C / 4), workgroups = ceil(units / WORKGROUP). Bound sizes are multiples of 16 bytes.
// Limits:   3 storage buffers. patches * (band + (KERNEL_H - 1) * DILATION_H / STRIDE_H + 1) <= 65,535 (Mesa before 23 stops a
//           shader after 65,535 loop turns in all).

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const STRIP: u32 = 4u; // @const columns of dy per invocation
const KERNEL_H: u32 = 3u; // @const taps along a column
const KERNEL_W: u32 = 3u; // @const taps along a row
const STRIDE_H: u32 = 1u; // @const stride along a column
const STRIDE_W: u32 = 1u; // @const stride along a row
const DILATION_H: u32 = 1u; // @const dilation along a column
const DILATION_W: u32 = 1u; // @const dilation along a row
const VEC: bool = false; // @const the number of channels is a multiple of 4
const TAPS: u32 = KERNEL_H * KERNEL_W;
const DEPTH: u32 = (KERNEL_H - 1u) * DILATION_H / STRIDE_H; // rows of dy that meet more rows of x
const COLUMNS: u32 = (STRIP - 1u) * STRIDE_W + (KERNEL_W - 1u) * DILATION_W + 1u;

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
    band: u32, bands: u32, strips: u32, all: u32, patches: u32, units: u32,
    pad0: u32, pad1: u32,
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

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let id = (wg.x + grid.x * (wg.y + grid.y * wg.z)) * WORKGROUP + local;
    let unit = min(id, params.units - 1u);
    let quads = (params.geometry.x_shape.y + 3u) / 4u;
    let split = unit / quads;
    let channel = (unit - split * quads) * 4u;
    let count = min(4u, params.geometry.x_shape.y - channel);

    var acc: array<vec4<f32>, KERNEL_H * KERNEL_W>;
    let end = min(params.all, (split + 1u) * params.patches);
    for (var item = split * params.patches; item < end; item++) {
        let band = item / params.strips;
        let ow0 = (item - band * params.strips) * STRIP;
        let n = band / params.bands;
        let oh0 = (band - n * params.bands) * params.band;
        let rows = min(params.band, params.geometry.y_shape.z - oh0);
        // The position in x of tap (0,0) of the first pixel; a negative one wraps and so lies outside as well.
        let top = oh0 * STRIDE_H - params.geometry.padding.x;
        let left = ow0 * STRIDE_W - params.geometry.padding.y;
        let x0 = ((n * params.geometry.x_shape.z + top) * params.geometry.x_shape.w + left) * params.geometry.x_shape.y + channel;
        let dy0 = ((n * params.geometry.y_shape.z + oh0) * params.geometry.y_shape.w + ow0) * params.geometry.x_shape.y + channel;
        var d: array<vec4<f32>, (DEPTH + 1u) * STRIP>; // the rows turn, turn - 1, .. turn - DEPTH of dy
        // @unroll
        for (var i = 0u; i < (DEPTH + 1u) * STRIP; i++) {
            d[i] = vec4<f32>();
        }
        for (var turn = 0u; turn < rows + DEPTH; turn++) {
            // @unroll
            for (var i = 0u; i < DEPTH * STRIP; i++) {
                d[(DEPTH + 1u) * STRIP - 1u - i] = d[DEPTH * STRIP - 1u - i];
            }
            // @unroll
            for (var p = 0u; p < STRIP; p++) {
                let inside = turn < rows && ow0 + p < params.geometry.y_shape.w;
                let at = dy0 + (turn * params.geometry.y_shape.w + p) * params.geometry.x_shape.y;
                d[p] = select(vec4<f32>(), load_dy(select(channel, at, inside), count), inside);
            }
            // @unroll
            for (var j = 0u; j < STRIDE_H; j++) {
                let row = turn * STRIDE_H + j;
                var xv: array<vec4<f32>, COLUMNS>;
                // @unroll
                for (var i = 0u; i < COLUMNS; i++) {
                    let inside = top + row < params.geometry.x_shape.z && left + i < params.geometry.x_shape.w;
                    let at = x0 + (row * params.geometry.x_shape.w + i) * params.geometry.x_shape.y;
                    xv[i] = select(vec4<f32>(), load_x(select(channel, at, inside), count), inside);
                }
                // @unroll
                for (var kh = 0u; kh < KERNEL_H; kh++) {
                    if kh * DILATION_H % STRIDE_H == j {
                        // @unroll
                        for (var kw = 0u; kw < KERNEL_W; kw++) {
                            // @unroll
                            for (var p = 0u; p < STRIP; p++) {
                                acc[kh * KERNEL_W + kw] += xv[p * STRIDE_W + kw * DILATION_W] * d[kh * DILATION_H / STRIDE_H * STRIP + p];
                            }
                        }
                    }
                }
            }
        }
    }
    if id >= params.units { return; }
    // The filters of four channels lie one after the other: element e is tap e mod TAPS of channel e / TAPS.
    let at = (split * params.geometry.x_shape.y + channel) * TAPS;
    if VEC {
        // @unroll
        for (var k = 0u; k < TAPS; k++) {
            dw[(at >> 2u) + k] = vec4(
                acc[4u * k % TAPS][4u * k / TAPS],
                acc[(4u * k + 1u) % TAPS][(4u * k + 1u) / TAPS],
                acc[(4u * k + 2u) % TAPS][(4u * k + 2u) / TAPS],
                acc[(4u * k + 3u) % TAPS][(4u * k + 3u) / TAPS],
            );
        }
    } else {
        // @unroll
        for (var e = 0u; e < 4u * TAPS; e++) {
            if e / TAPS < count { dw[(at + e) >> 2u][(at + e) & 3u] = acc[e % TAPS][e / TAPS]; }
        }
    }
}

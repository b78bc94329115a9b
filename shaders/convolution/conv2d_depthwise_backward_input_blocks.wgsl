// dx[n,ih,iw,c] = Σ_{kh,kw} dy[n,oh,ow,c] * w[kh,kw,c] over the taps with oh*SH = ih + PH - kh*DH and
// ow*SW = iw + PW - kw*DW: the gradient of a strided depthwise convolution by its input, fp32. No subgroup function, no
// workgroup memory: any device.
//
// Layouts:  channels-last. dy is [N,Ho,Wo,C], dx is [N,H,W,C], the weight is [KH,KW,C].
// Threads:  one invocation = BAND rows x STRIP neighbouring blocks of STRIDE_H x STRIDE_W pixels of dx x four channels,
//           channels fastest. Which taps reach a pixel of a block, and from which row and column of dy beside the block's,
//           is known at compile time. It goes down the rows of blocks, keeps the rows of dy that a block is reached
//           from in registers, and so loads each element of dy once.
// Limits:   3 storage buffers. KERNEL, STRIDE, DILATION and PADDING as the operation's. VEC: C % 4 == 0; else false.
//   bands = ceil(ceil(H / STRIDE_H) / band) for any band (BAND above) from 1 to 32,768 (loops of Mesa before 23),
//   strips = ceil(W / (STRIDE_W * STRIP)), units = N * bands * strips * ceil(C / 4), workgroups = ceil(units / WORKGROUP)
//  . Every element of dx is written. Bound sizes are multiples of 16 bytes (pad).

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const STRIP: u32 = 2u; // @const blocks of a row per invocation
const KERNEL_H: u32 = 3u; // @const taps along a column
const KERNEL_W: u32 = 3u; // @const taps along a row
const STRIDE_H: u32 = 2u; // @const stride along a column
const STRIDE_W: u32 = 2u; // @const stride along a row
const DILATION_H: u32 = 1u; // @const dilation along a column
const DILATION_W: u32 = 1u; // @const dilation along a row
const PADDING_H: u32 = 1u; // @const padding above
const PADDING_W: u32 = 1u; // @const padding to the left
const VEC: bool = false; // @const the number of channels is a multiple of 4
const ABOVE: u32 = 0u; // @const rows of dy above a block's own that reach it: ((KERNEL_H - 1) * DILATION_H - PADDING_H) / STRIDE_H or 0
const BEFORE: u32 = 0u; // @const columns of dy before a block's own that reach it: the same of the width
const REACH_H: u32 = (KERNEL_H - 1u) * DILATION_H;
const REACH_W: u32 = (KERNEL_W - 1u) * DILATION_W;
const ROWS: u32 = ABOVE + (STRIDE_H - 1u + PADDING_H) / STRIDE_H + 1u; // of dy that reach a block
const COLUMNS: u32 = BEFORE + (STRIDE_W - 1u + PADDING_W) / STRIDE_W + STRIP;

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
    band: u32, bands: u32, strips: u32, units: u32,
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
/// Writes the first `count` of four channels (0 or 4 with VEC).
fn store(at: u32, v: vec4<f32>, count: u32) {
    if VEC {
        if count > 0u { dx[at >> 2u] = v; }
        return;
    }
    // @unroll
    for (var j = 0u; j < 4u; j++) {
        if j < count { dx[(at + j) >> 2u][(at + j) & 3u] = v[j]; }
    }
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    // A surplus invocation recomputes the last unit and stores nothing: cheaper here than a masked body.
    let id = (wg.x + grid.x * (wg.y + grid.y * wg.z)) * WORKGROUP + local;
    let unit = min(id, params.units - 1u);
    let quads = (params.geometry.x_shape.y + 3u) / 4u;
    let strip = unit / quads;
    let channel = (unit - strip * quads) * 4u;
    let band = strip / params.strips;
    let block0 = (strip - band * params.strips) * STRIP;
    let n = band / params.bands;
    let row0 = (band - n * params.bands) * params.band;
    let count = min(4u, params.geometry.x_shape.y - channel);
    // The first row and column of dy; one before the first wraps and so lies outside as well.
    let top = row0 - ABOVE;
    let left = block0 - BEFORE;
    let base = ((n * params.geometry.y_shape.z + top) * params.geometry.y_shape.w + left) * params.geometry.x_shape.y + channel;

    var w: array<vec4<f32>, KERNEL_H * KERNEL_W>;
    // @unroll
    for (var tap = 0u; tap < KERNEL_H * KERNEL_W; tap++) {
        w[tap] = load_w(tap * params.geometry.x_shape.y + channel, count);
    }
    var d: array<vec4<f32>, ROWS * COLUMNS>;
    for (var turn = 0u; turn < params.band + ROWS - 1u; turn++) {
        // Rows come in from below.
        // @unroll
        for (var i = 0u; i < (ROWS - 1u) * COLUMNS; i++) {
            d[i] = d[i + COLUMNS];
        }
        // @unroll
        for (var i = 0u; i < COLUMNS; i++) {
            let inside = top + turn < params.geometry.y_shape.z && left + i < params.geometry.y_shape.w;
            let at = base + (turn * params.geometry.y_shape.w + i) * params.geometry.x_shape.y;
            d[(ROWS - 1u) * COLUMNS + i] = select(vec4<f32>(), load_dy(select(channel, at, inside), count), inside);
        }
        let block_row = turn - (ROWS - 1u); // before the first one it wraps
        // @unroll
        for (var r = 0u; r < STRIDE_H; r++) {
            let ih = (row0 + block_row) * STRIDE_H + r;
            // @unroll
            for (var p = 0u; p < STRIP * STRIDE_W; p++) {
                var s = vec4<f32>();
                // @unroll
                for (var kh = 0u; kh < KERNEL_H; kh++) {
                    if (r + PADDING_H + (ABOVE + REACH_H) * STRIDE_H - kh * DILATION_H) % STRIDE_H == 0u {
                        // @unroll
                        for (var kw = 0u; kw < KERNEL_W; kw++) {
                            if (p + PADDING_W + (BEFORE + REACH_W) * STRIDE_W - kw * DILATION_W) % STRIDE_W == 0u {
                                let i = (r + PADDING_H + (ABOVE + REACH_H) * STRIDE_H - kh * DILATION_H) / STRIDE_H - REACH_H;
                                let j = (p + PADDING_W + (BEFORE + REACH_W) * STRIDE_W - kw * DILATION_W) / STRIDE_W - REACH_W;
                                s += d[i * COLUMNS + j] * w[kh * KERNEL_W + kw];
                            }
                        }
                    }
                }
                let iw = block0 * STRIDE_W + p;
                let stored = id < params.units && block_row < params.band && ih < params.geometry.x_shape.z && iw < params.geometry.x_shape.w;
                let at = ((n * params.geometry.x_shape.z + ih) * params.geometry.x_shape.w + iw) * params.geometry.x_shape.y + channel;
                store(at, s, select(0u, count, stored));
            }
        }
    }
}

// y[n,oh,ow,c] = unary(residual + bias[c] + Σ_{kh,kw} x[n, oh*sh - ph + kh*dh, ow*SW - pw + kw*DW, c] * w[kh,kw,c])
// depthwise convolution (groups = C_in = C_out), fp32 or fp16. No subgroup function, no workgroup memory: any device.
//
// Layouts:  channels-last. x is [N,H,W,C], y is [N,Ho,Wo,C], the weight is [KH,KW,C], bias is [C].
// Threads:  one invocation = BAND rows x STRIP neighbouring columns of output pixels x four channels, channels fastest. It goes
//           down the rows of x and loads each element once: a row adds to the sums of every output row that it reaches, and
//           an output row is stored when its last row of x has been seen. Columns are unrolled, so that those which no pixel
//           reaches (dilation, stride) cost nothing; rows are a loop, because on software Vulkan a load is 2 KB of machine
//           code, and a body that outgrows the instruction cache runs at a fifth of the speed.
// Backward  with FLIP the kernel is read back to front: for stride 1 the gradient by the input is this shader on dy
//           with FLIP, pad' = dilation * (K - 1) - pad (may be negative: wrap it into u32) and H, W, Ho, Wo swapped.
// Limits:   5 storage buffers. KERNEL, STRIDE and DILATION as the operation's. VEC: C % 4 == 0; else false.
//   bands = ceil(Ho / band) for any band (BAND above) from 1 to 32,768 (loops of Mesa before 23), strips = ceil(Wo / STRIP),
//   units = N * bands * strips * ceil(C / 4), workgroups = ceil(units / WORKGROUP). Bound sizes are multiples of 16 bytes (pad). Bind any read-only buffer as a
//   bias or residual that is not added.

enable f16;

alias Operand = f32; // @const type of x, weight, residual and y: f32 or f16; sums and bias are f32
const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const STRIP: u32 = 4u; // @const output columns per invocation
const KERNEL_H: u32 = 3u; // @const taps along a column
const KERNEL_W: u32 = 3u; // @const taps along a row
const STRIDE_H: u32 = 1u; // @const stride along a column
const STRIDE_W: u32 = 1u; // @const stride along a row
const DILATION_H: u32 = 1u; // @const dilation along a column
const DILATION_W: u32 = 1u; // @const dilation along a row
const VEC: bool = false; // @const the number of channels is a multiple of 4
const FLIP: bool = false; // @const read the kernel back to front
const HAS_BIAS: bool = false; // @const add bias
const HAS_RESIDUAL: bool = false; // @const add residual, of the shape and layout of the result
const RESIDUAL_IN_PLACE: bool = false; // @const the residual is what the result's memory holds
const DEPTH: u32 = (KERNEL_H - 1u) * DILATION_H / STRIDE_H; // output rows that wait for more rows of x
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
    band: u32, bands: u32, strips: u32, units: u32,
    p0: f32, p1: f32, // of the activation
    pad0: u32, pad1: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<Operand>>;
@group(0) @binding(2) var<storage, read> weight: array<vec4<Operand>>;
@group(0) @binding(3) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> residual: array<vec4<Operand>>;
@group(0) @binding(5) var<storage, read_write> y: array<vec4<Operand>>;

// @slot unary
fn unary(x: f32, p: vec2<f32>) -> f32 { return x; }
// @end

fn scalar_x(i: u32) -> f32 { return f32(x[i >> 2u][i & 3u]); }
fn scalar_w(i: u32) -> f32 { return f32(weight[i >> 2u][i & 3u]); }
fn scalar_bias(i: u32) -> f32 { return bias[i >> 2u][i & 3u]; }

/// Four channels from element i on, of which `count` exist; the others repeat the last one.
fn load_x(i: u32, count: u32) -> vec4<f32> {
    if VEC { return vec4<f32>(x[i >> 2u]); }
    let last = count - 1u;
    return vec4(scalar_x(i), scalar_x(i + min(1u, last)), scalar_x(i + min(2u, last)), scalar_x(i + min(3u, last)));
}
fn load_w(i: u32, count: u32) -> vec4<f32> {
    if VEC { return vec4<f32>(weight[i >> 2u]); }
    let last = count - 1u;
    return vec4(scalar_w(i), scalar_w(i + min(1u, last)), scalar_w(i + min(2u, last)), scalar_w(i + min(3u, last)));
}
fn load_bias(i: u32, count: u32) -> vec4<f32> {
    if !HAS_BIAS { return vec4<f32>(); }
    let last = count - 1u;
    return vec4(scalar_bias(i), scalar_bias(i + min(1u, last)), scalar_bias(i + min(2u, last)), scalar_bias(i + min(3u, last)));
}
/// Writes the activation of the first `count` of four channels.
fn store(at: u32, s: vec4<f32>, count: u32) {
    let p = vec2(params.p0, params.p1);
    if VEC {
        if count > 0u {
            var v = s;
            if HAS_RESIDUAL { if RESIDUAL_IN_PLACE { v += vec4<f32>(y[at >> 2u]); } else { v += vec4<f32>(residual[at >> 2u]); } }
            y[at >> 2u] = vec4<Operand>(vec4(unary(v.x, p), unary(v.y, p), unary(v.z, p), unary(v.w, p)));
        }
        return;
    }
    // @unroll
    for (var j = 0u; j < 4u; j++) {
        if j < count {
            let i = at + j;
            var v = s[j];
            if HAS_RESIDUAL { if RESIDUAL_IN_PLACE { v += f32(y[i >> 2u][i & 3u]); } else { v += f32(residual[i >> 2u][i & 3u]); } }
            y[i >> 2u][i & 3u] = Operand(unary(v, p));
        }
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
    let ow0 = (strip - band * params.strips) * STRIP;
    let n = band / params.bands;
    let oh0 = (band - n * params.bands) * params.band;
    let count = min(4u, params.geometry.x_shape.y - channel);
    // The input position of tap (0,0) of the tile's first pixel; a negative one wraps and so lies outside as well.
    let top = oh0 * STRIDE_H - params.geometry.padding.x;
    let left = ow0 * STRIDE_W - params.geometry.padding.y;
    let base = ((n * params.geometry.x_shape.z + top) * params.geometry.x_shape.w + left) * params.geometry.x_shape.y + channel;

    var w: array<vec4<f32>, KERNEL_H * KERNEL_W>;
    // @unroll
    for (var tap = 0u; tap < KERNEL_H * KERNEL_W; tap++) {
        let source = select(tap, KERNEL_H * KERNEL_W - 1u - tap, FLIP);
        w[tap] = load_w(source * params.geometry.x_shape.y + channel, count);
    }
    let add = load_bias(channel, count);
    var acc: array<vec4<f32>, (DEPTH + 1u) * STRIP>; // of the output rows turn, turn - 1, .. turn - DEPTH
    for (var turn = 0u; turn < params.band + DEPTH; turn++) {
        // @unroll
        for (var j = 0u; j < STRIDE_H; j++) {
            let row = turn * STRIDE_H + j;
            var xv: array<vec4<f32>, COLUMNS>;
            // @unroll
            for (var i = 0u; i < COLUMNS; i++) {
                let inside = top + row < params.geometry.x_shape.z && left + i < params.geometry.x_shape.w;
                let at = base + (row * params.geometry.x_shape.w + i) * params.geometry.x_shape.y;
                xv[i] = select(vec4<f32>(), load_x(select(channel, at, inside), count), inside);
            }
            // @unroll
            for (var kh = 0u; kh < KERNEL_H; kh++) {
                if kh * DILATION_H % STRIDE_H == j {
                    // @unroll
                    for (var kw = 0u; kw < KERNEL_W; kw++) {
                        // @unroll
                        for (var p = 0u; p < STRIP; p++) {
                            acc[kh * DILATION_H / STRIDE_H * STRIP + p] += xv[p * STRIDE_W + kw * DILATION_W] * w[kh * KERNEL_W + kw];
                        }
                    }
                }
            }
        }
        let row = turn - DEPTH; // before the first one it wraps
        // @unroll
        for (var p = 0u; p < STRIP; p++) {
            let stored = id < params.units && row < params.band && oh0 + row < params.geometry.y_shape.z && ow0 + p < params.geometry.y_shape.w;
            let at = ((n * params.geometry.y_shape.z + oh0 + row) * params.geometry.y_shape.w + ow0 + p) * params.geometry.x_shape.y + channel;
            store(at, acc[DEPTH * STRIP + p] + add, select(0u, count, stored));
        }
        // @unroll
        for (var i = 0u; i < DEPTH * STRIP; i++) {
            acc[(DEPTH + 1u) * STRIP - 1u - i] = acc[DEPTH * STRIP - 1u - i];
        }
        // @unroll
        for (var p = 0u; p < STRIP; p++) {
            acc[p] = vec4<f32>();
        }
    }
}

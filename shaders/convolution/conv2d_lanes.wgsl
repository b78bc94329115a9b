// y[n,oh,ow,co] = unary(residual + bias[co] + Σ_{kh,kw,ci} x[n, oh*sh - ph + kh*dh, ow*sw - pw + kw*dw, ci] * w[kh,kw,ci,co])
// as an implicit GEMM, fp32, for software Vulkan (lavapipe) and any device with subgroups of LANES. With POOL, y holds the
// maxima, or the means, of windows of that, which lie side by side from the first pixel on.
//
// Layouts:  channels-last. x is [N,H,W,C_in], y is [N,Ho,Wo,C_out], the weight is packed [G][KH,KW,Ci,Co] with
//           Ci = C_in / G, Co = C_out / G (from OIHW: one permutation). bias has C_out entries.
// Threads:  a workgroup is a subgroup and one tile of LANES*PIXELS output pixels x CHANNELS output channels of one group.
//           Lane l owns the pixels (tile*PIXELS + p)*LANES + l, or with POOL those of window tile*LANES + l, all
//           CHANNELS of them in registers. Per turn a lane loads PER_TURN inputs of its own pixels (0 outside the image) and its share of the PER_TURN x CHANNELS
//           weights, which reach the other lanes by shuffles from a constant lane. The reduction index
//           k = (kh*KW + kw)*Ci + ci runs flat over taps and channels. No barrier, no workgroup memory.
// Host      Choose by (Ci, Co):
//   WIDTH     Ci % 4 == 0: WIDTH 4, STEPS 1. Else WIDTH 1 and STEPS 1 when KH*KW*Ci <= 9, 3 when
//             3 divides KH*KW*Ci, otherwise 4 (a body that outgrows the instruction cache is slow: STEPS 9 is).
//   VEC_W     Co % 4 == 0 (weight rows and y by vec4); else false.
//   CHANNELS  32 when Co % 32 == 0; 16, 8 or 4 when Co is no more (or to halve the compile time of 32: 16 has
//             0.7 to 0.9 of its speed).
//   PIXELS    4; 2 when N*Ho*Wo <= 16; with POOL those of a window.
//   pixel_tiles = ceil(N*Ho*Wo / (LANES*PIXELS)), with POOL ceil(windows / LANES); channel_tiles = ceil(Co / CHANNELS),
//   workgroups = pixel_tiles * channel_tiles * G. Ho, Wo are the caller's; any stride, padding,
//   dilation >= 1. Bound sizes are multiples of 16 bytes (pad). Bind any read-only buffer as a bias or residual that is not added.
// Limits:   KH*KW*Ci / (WIDTH*STEPS) <= 65,535 (loops of Mesa before 23). Idea: implicit GEMM, as in cuDNN
//           (Chetlur et al., arXiv 1410.0759).

const PIXELS: u32 = 4u; // @const output pixels per lane
const CHANNELS: u32 = 16u; // @const output channels per workgroup
const WIDTH: u32 = 1u; // @const channels per load of x: 4 or 1
const STEPS: u32 = 4u; // @const loads of x per pixel and turn
const VEC_W: bool = false; // @const the weight and y may be accessed by vec4
const HAS_BIAS: bool = false; // @const add bias
const HAS_RESIDUAL: bool = false; // @const add residual, of the shape and layout of the result
const RESIDUAL_IN_PLACE: bool = false; // @const the residual is what the result's memory holds
const POOL: u32 = 0u; // @const 0: each pixel is stored, 1: the maxima of windows, 2: their sums / params.divisor
const POOL_HEIGHT: u32 = 1u; // @const rows of a window
const POOL_WIDTH: u32 = 1u; // @const columns of a window
const LANES: u32 = 8u; // @const lanes of a subgroup: 4, 8 or 16
const PER_TURN: u32 = WIDTH * STEPS;
const QUADS: u32 = CHANNELS / 4u;
const W_LOADS: u32 = (PER_TURN * QUADS + LANES - 1u) / LANES;

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
    pixel_tiles: u32, channel_tiles: u32, workgroups: u32,
    p0: f32, p1: f32, // of the activation
    divisor: f32, // of the sum over a window
    pad0: u32, pad1: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> residual: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> y: array<vec4<f32>>;

// @slot unary
fn unary(x: f32, p: vec2<f32>) -> f32 { return x; }
// @end

fn scalar_w(i: u32) -> f32 { return weight[i >> 2u][i & 3u]; }
fn scalar_bias(i: u32) -> f32 { return bias[i >> 2u][i & 3u]; }

fn load_x(i: u32) -> vec4<f32> {
    if WIDTH == 4u { return x[i >> 2u]; }
    return vec4(x[i >> 2u][i & 3u]);
}
/// Weights i .. i + 3; past a row's end they belong to channels that are not stored.
fn load_w(i: u32) -> vec4<f32> {
    if VEC_W { return weight[i >> 2u]; }
    let last = 4u * arrayLength(&weight) - 1u;
    return vec4(scalar_w(i), scalar_w(min(i + 1u, last)), scalar_w(min(i + 2u, last)), scalar_w(min(i + 3u, last)));
}
/// The activation of the first `count` of four sums (0 or 4 with VEC_W), with the residual at `at`.
fn finish(at: u32, s: vec4<f32>, count: u32) -> vec4<f32> {
    let p = vec2(params.p0, params.p1);
    var v = s;
    if HAS_RESIDUAL && VEC_W {
        if count > 0u {
            if RESIDUAL_IN_PLACE { v += y[at >> 2u]; } else { v += residual[at >> 2u]; }
        }
    } else if HAS_RESIDUAL {
        // @unroll
        for (var j = 0u; j < 4u; j++) {
            let i = at + j;
            if j < count {
                if RESIDUAL_IN_PLACE { v[j] += y[i >> 2u][i & 3u]; } else { v[j] += residual[i >> 2u][i & 3u]; }
            }
        }
    }
    return vec4(unary(v.x, p), unary(v.y, p), unary(v.z, p), unary(v.w, p));
}
/// Writes the first `count` of four channels (0 or 4 with VEC_W).
fn store(at: u32, v: vec4<f32>, count: u32) {
    if VEC_W {
        if count > 0u { y[at >> 2u] = v; }
        return;
    }
    // @unroll
    for (var j = 0u; j < 4u; j++) {
        if j < count { y[(at + j) >> 2u][(at + j) & 3u] = v[j]; }
    }
}

// The larger of two, or b where that is a window's first; NaN as soon as one is that. A comparison with NaN is false.
fn larger(a: vec4<f32>, b: vec4<f32>, first: bool) -> vec4<f32> {
    return select(b, a, ((a >= b) | !(a == a)) & vec4(!first));
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(subgroup_invocation_id) lane: u32) {
    // A surplus group recomputes the last tile and stores nothing: cheaper here than a masked body.
    let id = wg.x + grid.x * (wg.y + grid.y * wg.z);
    let group = min(id, params.workgroups - 1u);
    let tile = group / params.pixel_tiles;
    let channel0 = (tile % params.channel_tiles) * CHANNELS;
    let conv_group = tile / params.channel_tiles;
    let ci = params.geometry.x_shape.y / params.geometry.groups;
    let co = params.geometry.y_shape.y / params.geometry.groups;
    let k_end = params.geometry.w_shape.z * params.geometry.w_shape.w * ci;
    // What is stored: pixels, or windows of them.
    let rows = params.geometry.y_shape.z / POOL_HEIGHT;
    let columns = params.geometry.y_shape.w / POOL_WIDTH;
    let results = params.geometry.x_shape.x * rows * columns;
    let result0 = (group % params.pixel_tiles) * (LANES * select(PIXELS, 1u, POOL != 0u)) + lane;

    // Each own pixel, and the input position of its tap (0,0); a negative one wraps and so lies outside as well.
    var pixel: array<u32, PIXELS>;
    var top: array<u32, PIXELS>;
    var left: array<u32, PIXELS>;
    var base: array<u32, PIXELS>;
    // @unroll
    for (var p = 0u; p < PIXELS; p++) {
        let result = min(result0 + select(p * LANES, 0u, POOL != 0u), results - 1u);
        let n = result / (rows * columns);
        let row = (result - n * rows * columns) / columns;
        let oh = row * POOL_HEIGHT + select(0u, p / POOL_WIDTH, POOL != 0u);
        let ow = (result - (n * rows + row) * columns) * POOL_WIDTH + p % POOL_WIDTH;
        pixel[p] = (n * params.geometry.y_shape.z + oh) * params.geometry.y_shape.w + ow;
        top[p] = oh * params.geometry.stride.x - params.geometry.padding.x;
        left[p] = ow * params.geometry.stride.y - params.geometry.padding.y;
        base[p] = ((n * params.geometry.x_shape.z + top[p]) * params.geometry.x_shape.w + left[p]) * params.geometry.x_shape.y + conv_group * ci;
    }
    // Lane f of a load of weights holds row f / QUADS of the turn, channels 4 * (f % QUADS) .. + 3.
    var w_row: array<u32, W_LOADS>;
    var w_at: array<u32, W_LOADS>;
    // @unroll
    for (var i = 0u; i < W_LOADS; i++) {
        let f = i * LANES + lane;
        w_row[i] = min(f / QUADS, PER_TURN - 1u);
        w_at[i] = (conv_group * k_end + w_row[i]) * co + min(channel0 + 4u * (f % QUADS), co - 1u);
    }

    var acc: array<vec4<f32>, PIXELS * QUADS>;
    var c = 0u; // the tap and the channel of the next load of x
    var dx = 0u;
    var dy = 0u;
    var tap = 0u; // its offset from base
    for (var k = 0u; k < k_end; k += PER_TURN) {
        var wv: array<vec4<f32>, W_LOADS>;
        // @unroll
        for (var i = 0u; i < W_LOADS; i++) {
            if WIDTH == 4u {
                wv[i] = load_w(w_at[i]);
            } else {
                let inside = k + w_row[i] < k_end;
                wv[i] = select(vec4<f32>(), load_w(select(0u, w_at[i], inside)), inside);
            }
            w_at[i] += PER_TURN * co;
        }
        var xv: array<vec4<f32>, PIXELS * STEPS>;
        // @unroll
        for (var s = 0u; s < STEPS; s++) {
            // @unroll
            for (var p = 0u; p < PIXELS; p++) {
                let inside = top[p] + dy < params.geometry.x_shape.z && left[p] + dx < params.geometry.x_shape.w && (WIDTH == 4u || k + s < k_end);
                xv[p * STEPS + s] = select(vec4<f32>(), load_x(select(0u, base[p] + tap + c, inside)), inside);
            }
            c += WIDTH;
            if c == ci {
                c = 0u;
                dx += params.geometry.dilation.y;
                if dx == params.geometry.w_shape.w * params.geometry.dilation.y {
                    dx = 0u;
                    dy += params.geometry.dilation.x;
                }
                tap = (dy * params.geometry.x_shape.w + dx) * params.geometry.x_shape.y;
            }
        }
        // @unroll
        for (var q = 0u; q < QUADS; q++) {
            // @unroll
            for (var t = 0u; t < PER_TURN; t++) {
                let w = subgroupShuffle(wv[(t * QUADS + q) / LANES], (t * QUADS + q) % LANES);
                // @unroll
                for (var p = 0u; p < PIXELS; p++) {
                    acc[p * QUADS + q] += xv[p * STEPS + t / WIDTH][t % WIDTH] * w;
                }
            }
        }
    }

    // A loop, because on software Vulkan a store is 2 KB of machine code. What it indexes is a copy, so that the sums above
    // are no array in memory; the shuffle tells llvmpipe that all lanes read the same element of it.
    var sums = acc;
    let used = (min(co, channel0 + CHANNELS) - channel0 + 3u) / 4u;
    for (var turn = 0u; turn < used; turn++) {
        let q = subgroupShuffle(turn, 0u);
        let channel = channel0 + 4u * q;
        let first = conv_group * co + channel;
        var add = vec4<f32>();
        if HAS_BIAS {
            let last = params.geometry.y_shape.y - 1u;
            add = vec4(scalar_bias(min(first, last)), scalar_bias(min(first + 1u, last)), scalar_bias(min(first + 2u, last)), scalar_bias(min(first + 3u, last)));
        }
        let count = select(0u, min(4u, max(co, channel) - channel), id < params.workgroups);
        if POOL == 0u {
            // @unroll
            for (var p = 0u; p < PIXELS; p++) {
                let at = (result0 + p * LANES) * params.geometry.y_shape.y + first;
                let stored = select(0u, count, result0 + p * LANES < results);
                store(at, finish(at, sums[p * QUADS + q] + add, stored), stored);
            }
        } else {
            let stored = select(0u, count, result0 < results);
            var pooled = vec4<f32>();
            var row_sum = vec4<f32>(); // on its own, as avg_pool2d has it
            // @unroll
            for (var p = 0u; p < PIXELS; p++) {
                let v = finish(pixel[p] * params.geometry.y_shape.y + first, sums[p * QUADS + q] + add, stored);
                if POOL == 1u {
                    pooled = larger(pooled, v, p == 0u);
                } else {
                    row_sum += v;
                    if p % POOL_WIDTH == POOL_WIDTH - 1u {
                        pooled += row_sum;
                        row_sum = vec4<f32>();
                    }
                }
            }
            store(result0 * params.geometry.y_shape.y + first, select(pooled / params.divisor, pooled, POOL == 1u), stored);
        }
    }
}

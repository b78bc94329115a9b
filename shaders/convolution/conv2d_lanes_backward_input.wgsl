// dx[n,ih,iw,ci] = Σ_{kh,kw,co} dy[n,oh,ow,co] * w[kh,kw,ci,co] over the taps with oh*sh = ih + ph - kh*dh and
// ow*sw = iw + pw - kw*dw: the gradient of conv2d by its input (also a transposed convolution), fp32, for software
// Vulkan (lavapipe) and any device with subgroups of LANES.
//
// Layouts:  channels-last. dy is [N,Ho,Wo,C_out], dx is [N,H,W,C_in], the weight is packed [G][KH,KW,Co,Ci] with
//           Ci = C_in / G, Co = C_out / G: the last two axes swapped against the forward packing.
// Phases    the taps that reach an input pixel depend only on (ih + ph) mod sh and (iw + pw) mod sw. A workgroup
//           takes pixels of one phase, so it visits the phase's taps only, and no product with zero is made.
// Threads:  a workgroup is a subgroup and one tile of LANES*PIXELS input pixels of one phase x CHANNELS input channels of
//           one group. Lane l owns the phase's pixels (tile*PIXELS + p)*LANES + l, all CHANNELS of them in registers. Per
//           turn (four output channels of one tap) a lane loads a vec4 of dy for each own pixel and its share of
//           the 4 x CHANNELS weights, which reach the other lanes by shuffles from a constant lane.
// Host      VEC_DY    Co % 4 == 0; else false. VEC_W: Ci % 4 == 0 (weight rows and dx by vec4); else false.
//   CHANNELS  32 when Ci % 32 == 0; 16, 8 or 4 when Ci is no more (or to halve the compile time of 32: 16 has
//             0.7 to 0.9 of its speed). PIXELS 4; 2 when a phase has 16 pixels or fewer.
//   tap_step_h = sh / gcd(sh, dh), tap_step_w = sw / gcd(sw, dw),
//   pixel_tiles = ceil(N * ceil(H/sh) * ceil(W/sw) / (LANES*PIXELS)), channel_tiles = ceil(Ci / CHANNELS),
//   workgroups = pixel_tiles * channel_tiles * G * sh * sw. Every element of dx is written (0 where no tap
//   reaches). Bound sizes are multiples of 16 bytes (pad).
// Limits:   KH*KW*ceil(Co / 4) <= 65,000 (loops of Mesa before 23).

const PIXELS: u32 = 4u; // @const input pixels per lane
const CHANNELS: u32 = 16u; // @const input channels per workgroup
const VEC_DY: bool = false; // @const dy may be read by vec4
const VEC_W: bool = false; // @const the weight and dx may be accessed by vec4
const LANES: u32 = 8u; // @const lanes of a subgroup: 4, 8 or 16
const QUADS: u32 = CHANNELS / 4u;
const W_LOADS: u32 = (4u * QUADS + LANES - 1u) / LANES;

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
    tap_step_h: u32, tap_step_w: u32, pixel_tiles: u32, channel_tiles: u32, workgroups: u32,
    pad0: u32, pad1: u32, pad2: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> dx: array<vec4<f32>>;

fn scalar_w(i: u32) -> f32 { return weight[i >> 2u][i & 3u]; }
fn scalar_dy(i: u32, inside: bool) -> f32 { return select(0.0, dy[select(0u, i >> 2u, inside)][i & 3u], inside); }

/// The first `count` of four channels of dy, 0 for the others. VEC_DY knows 0 and 4 or more only.
fn load_dy(i: u32, count: u32) -> vec4<f32> {
    if VEC_DY { return select(vec4<f32>(), dy[select(0u, i >> 2u, count > 0u)], count > 0u); }
    return vec4(scalar_dy(i, count > 0u), scalar_dy(i + 1u, count > 1u), scalar_dy(i + 2u, count > 2u), scalar_dy(i + 3u, count > 3u));
}
/// Weights i .. i + 3; past a row's end they belong to channels that are not stored.
fn load_w(i: u32) -> vec4<f32> {
    if VEC_W { return weight[i >> 2u]; }
    let last = 4u * arrayLength(&weight) - 1u;
    return vec4(scalar_w(i), scalar_w(min(i + 1u, last)), scalar_w(min(i + 2u, last)), scalar_w(min(i + 3u, last)));
}
/// Writes the first `count` of four channels (0 or 4 with VEC_W).
fn store(at: u32, v: vec4<f32>, count: u32) {
    if VEC_W {
        if count > 0u { dx[at >> 2u] = v; }
        return;
    }
    // @unroll
    for (var j = 0u; j < 4u; j++) {
        if j < count { dx[(at + j) >> 2u][(at + j) & 3u] = v[j]; }
    }
}
/// The first tap with tap * dilation = phase (mod stride), or `taps` when there is none.
fn first_tap(phase: u32, taps: u32, dilation: u32, stride: u32) -> u32 {
    var first = taps;
    for (var t = 0u; t < min(stride, taps); t++) {
        if (t * dilation) % stride == phase && first == taps { first = t; }
    }
    return first;
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(subgroup_invocation_id) lane: u32) {
    // A surplus group recomputes the last tile and stores nothing: cheaper here than a masked body.
    let id = wg.x + grid.x * (wg.y + grid.y * wg.z);
    let group = min(id, params.workgroups - 1u);
    let pixel0 = (group % params.pixel_tiles) * (LANES * PIXELS) + lane;
    var rest = group / params.pixel_tiles;
    let channel0 = (rest % params.channel_tiles) * CHANNELS;
    rest = rest / params.channel_tiles;
    let conv_group = rest % params.geometry.groups;
    rest = rest / params.geometry.groups;
    let phase_h = rest % params.geometry.stride.x;
    let phase_w = rest / params.geometry.stride.x;
    let ci = params.geometry.x_shape.y / params.geometry.groups;
    let co = params.geometry.y_shape.y / params.geometry.groups;

    // Own pixels: the output position (oh, ow) that tap * dilation = phase reaches, and whether the pixel exists.
    // Its steps of tap_step taps then go back by whole output pixels.
    let rows = (params.geometry.x_shape.z + params.geometry.stride.x - 1u) / params.geometry.stride.x;
    let cols = (params.geometry.x_shape.w + params.geometry.stride.y - 1u) / params.geometry.stride.y;
    let first_h = (phase_h + params.geometry.stride.x - params.geometry.padding.x % params.geometry.stride.x) % params.geometry.stride.x;
    let first_w = (phase_w + params.geometry.stride.y - params.geometry.padding.y % params.geometry.stride.y) % params.geometry.stride.y;
    var oh: array<u32, PIXELS>;
    var ow: array<u32, PIXELS>;
    var base: array<u32, PIXELS>;
    var dx_at: array<u32, PIXELS>;
    var exists: array<bool, PIXELS>;
    // @unroll
    for (var p = 0u; p < PIXELS; p++) {
        let pixel = min(pixel0 + p * LANES, params.geometry.x_shape.x * rows * cols - 1u);
        let n = pixel / (rows * cols);
        let row = (pixel - n * rows * cols) / cols;
        let ih = first_h + params.geometry.stride.x * row;
        let iw = first_w + params.geometry.stride.y * (pixel - (n * rows + row) * cols);
        oh[p] = (ih + params.geometry.padding.x) / params.geometry.stride.x;
        ow[p] = (iw + params.geometry.padding.y) / params.geometry.stride.y;
        base[p] = ((n * params.geometry.y_shape.z + oh[p]) * params.geometry.y_shape.w + ow[p]) * params.geometry.y_shape.y + conv_group * co;
        dx_at[p] = ((n * params.geometry.x_shape.z + ih) * params.geometry.x_shape.w + iw) * params.geometry.x_shape.y + conv_group * ci;
        exists[p] = id < params.workgroups && pixel == pixel0 + p * LANES && ih < params.geometry.x_shape.z && iw < params.geometry.x_shape.w;
    }
    // Lane f of a load of weights holds row f / QUADS of the turn, channels 4 * (f % QUADS) .. + 3.
    var w_row: array<u32, W_LOADS>;
    var w_at: array<u32, W_LOADS>;
    // @unroll
    for (var i = 0u; i < W_LOADS; i++) {
        let f = i * LANES + lane;
        w_row[i] = min(f / QUADS, 3u);
        w_at[i] = min(channel0 + 4u * (f % QUADS), ci - 1u);
    }

    var acc: array<vec4<f32>, PIXELS * QUADS>;
    let kw0 = first_tap(phase_w, params.geometry.w_shape.w, params.geometry.dilation.y, params.geometry.stride.y);
    var kh = first_tap(phase_h, params.geometry.w_shape.z, params.geometry.dilation.x, params.geometry.stride.x);
    if kw0 == params.geometry.w_shape.w { kh = params.geometry.w_shape.z; }
    let back_step_h = params.tap_step_h * params.geometry.dilation.x / params.geometry.stride.x;
    let back_step_w = params.tap_step_w * params.geometry.dilation.y / params.geometry.stride.y;
    let back_w0 = kw0 * params.geometry.dilation.y / params.geometry.stride.y;
    var back_h = kh * params.geometry.dilation.x / params.geometry.stride.x;
    var back_w = back_w0;
    var kw = kw0;
    var c = 0u;
    while kh < params.geometry.w_shape.z {
        let back = (back_h * params.geometry.y_shape.w + back_w) * params.geometry.y_shape.y;
        let w_base = ((conv_group * params.geometry.w_shape.z + kh) * params.geometry.w_shape.w + kw) * co + c;
        var wv: array<vec4<f32>, W_LOADS>;
        // @unroll
        for (var i = 0u; i < W_LOADS; i++) {
            if VEC_DY {
                wv[i] = load_w((w_base + w_row[i]) * ci + w_at[i]);
            } else {
                let inside = c + w_row[i] < co;
                wv[i] = select(vec4<f32>(), load_w(select(0u, (w_base + w_row[i]) * ci + w_at[i], inside)), inside);
            }
        }
        var dyv: array<vec4<f32>, PIXELS>;
        // @unroll
        for (var p = 0u; p < PIXELS; p++) {
            let inside = oh[p] - back_h < params.geometry.y_shape.z && ow[p] - back_w < params.geometry.y_shape.w;
            dyv[p] = load_dy(base[p] - back + c, select(0u, co - c, inside));
        }
        c += 4u;
        if c >= co {
            c = 0u;
            kw += params.tap_step_w;
            back_w += back_step_w;
            if kw >= params.geometry.w_shape.w {
                kw = kw0;
                back_w = back_w0;
                kh += params.tap_step_h;
                back_h += back_step_h;
            }
        }
        // @unroll
        for (var q = 0u; q < QUADS; q++) {
            // @unroll
            for (var t = 0u; t < 4u; t++) {
                let w = subgroupShuffle(wv[(t * QUADS + q) / LANES], (t * QUADS + q) % LANES);
                // @unroll
                for (var p = 0u; p < PIXELS; p++) {
                    acc[p * QUADS + q] += dyv[p][t] * w;
                }
            }
        }
    }

    // A loop, because on software Vulkan a store is 2 KB of machine code. What it indexes is a copy, so that the sums above
    // are no array in memory; the shuffle tells llvmpipe that all lanes read the same element of it.
    var sums = acc;
    let used = (min(ci, channel0 + CHANNELS) - channel0 + 3u) / 4u;
    for (var turn = 0u; turn < used; turn++) {
        let q = subgroupShuffle(turn, 0u);
        let channel = channel0 + 4u * q;
        let count = min(4u, max(ci, channel) - channel);
        // @unroll
        for (var p = 0u; p < PIXELS; p++) {
            store(dx_at[p] + channel, sums[p * QUADS + q], select(0u, count, exists[p]));
        }
    }
}

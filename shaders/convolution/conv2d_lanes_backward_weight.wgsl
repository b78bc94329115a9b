// dw[co,ci,kh,kw] = Σ_{n,oh,ow} x[n, oh*sh - ph + kh*dh, ow*sw - pw + kw*dw, ci] * dy[n,oh,ow,co]: the gradient of
// conv2d by its weight, fp32, for software Vulkan (lavapipe) and any device with subgroups of LANES.
//
// Layouts:  channels-last. x is [N,H,W,C_in], dy is [N,Ho,Wo,C_out], dw is [C_out,Ci,KH,KW] as the weight itself, with
//           Ci = C_in / G, Co = C_out / G. With splits > 1 the output is [splits, dw]: partial sums for
//           matmul_split_k_reduce.wgsl, which adds them in order, so the result is deterministic.
// Threads:  a workgroup is a subgroup and one tile of LANES*LOADS*WIDTH rows x CHANNELS columns co of one group, summed over
//           one range of output pixels. A row is one (ci,kh,kw). A load of x is WIDTH channels at one tap. Loads of four are
//           ordered by channel, then by tap: what a subgroup stores for one co then lies in few cache lines of dw; single
//           elements by tap, then by channel: what it loads lies side by side. Lane l
//           owns the loads (tile*LANES + l) * LOADS onwards, all CHANNELS of their rows in registers. For four pixels at a
//           time a lane loads its own rows of x (0 outside the image) and its share of the 4 x CHANNELS values of dy, which
//           reach the other lanes by shuffles from a constant lane.
// Host      WIDTH     Ci % 4 == 0: WIDTH 4, LOADS 1. Else WIDTH 1, LOADS = min(4, ceil(KH*KW*Ci / LANES)).
//   POINT     KH = KW = 1 and no padding; else false.
//   VEC_DY    Co % 4 == 0 (dy by vec4); else false.
//   CHANNELS  16; 8 or 4 when Co is no more; 32 for the last tenth of speed at twice the compile time.
//   row_tiles = ceil(KH*KW*Ci / (LANES*LOADS*WIDTH)), channel_tiles = ceil(Co / CHANNELS),
//   splits = clamp(ceil(32 / (row_tiles*channel_tiles*G)), 1, ceil(N*Ho*Wo / 256)), at least ceil(N*Ho*Wo / 262,140);
//   pixel_chunk = ceil(N*Ho*Wo / splits), then splits = ceil(N*Ho*Wo / pixel_chunk) again;
//   workgroups = row_tiles * channel_tiles * G * splits. Bound sizes are multiples of 16 bytes (pad).
// Limits:   pixel_chunk <= 262,000 (Mesa before 23 stops a shader after 65,535 loop turns in all).

const WIDTH: u32 = 1u; // @const channels per load of x: 4 or 1
const LOADS: u32 = 4u; // @const loads of x per lane and pixel
const POINT: bool = false; // @const one tap and no padding: every window lies inside
const CHANNELS: u32 = 16u; // @const output channels per workgroup
const VEC_DY: bool = false; // @const dy may be read by vec4
const LANES: u32 = 8u; // @const lanes of a subgroup: 4, 8 or 16
const TURN: u32 = 4u; // pixels per turn
const ROWS: u32 = LOADS * WIDTH;
const QUADS: u32 = CHANNELS / 4u;
const DY_LOADS: u32 = (TURN * QUADS + LANES - 1u) / LANES;

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
    row_tiles: u32, channel_tiles: u32, pixel_chunk: u32, workgroups: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> dy: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> dw: array<vec4<f32>>;

fn load_x(i: u32) -> vec4<f32> {
    if WIDTH == 4u { return x[i >> 2u]; }
    return vec4(x[i >> 2u][i & 3u]);
}
fn scalar_dy(i: u32) -> f32 { return dy[i >> 2u][i & 3u]; }
/// Channels i .. i + 3 of dy; past a pixel's end they belong to columns that are not stored.
fn load_dy(i: u32) -> vec4<f32> {
    if VEC_DY { return dy[i >> 2u]; }
    let last = 4u * arrayLength(&dy) - 1u;
    return vec4(scalar_dy(i), scalar_dy(min(i + 1u, last)), scalar_dy(min(i + 2u, last)), scalar_dy(min(i + 3u, last)));
}
@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(subgroup_invocation_id) lane: u32) {
    // A surplus group recomputes the last tile and stores nothing: cheaper here than a masked body.
    let id = wg.x + grid.x * (wg.y + grid.y * wg.z);
    let group = min(id, params.workgroups - 1u);
    let load0 = ((group % params.row_tiles) * LANES + lane) * LOADS;
    var rest = group / params.row_tiles;
    let channel0 = (rest % params.channel_tiles) * CHANNELS;
    rest = rest / params.channel_tiles;
    let conv_group = rest % params.geometry.groups;
    let split = rest / params.geometry.groups;
    let ci = params.geometry.x_shape.y / params.geometry.groups;
    let co = params.geometry.y_shape.y / params.geometry.groups;
    let taps = select(params.geometry.w_shape.z * params.geometry.w_shape.w, 1u, POINT);
    let loads = taps * (ci / WIDTH);
    let image = params.geometry.y_shape.z * params.geometry.y_shape.w;
    let begin = split * params.pixel_chunk;
    let end = min(params.geometry.x_shape.x * image, begin + params.pixel_chunk);

    // Each own load: its tap's offset from the pixel's (oh*sh, ow*sw); a negative one wraps and adds up all the same.
    var top: array<u32, LOADS>;
    var left: array<u32, LOADS>;
    var x_at: array<u32, LOADS>;
    var dw_at: array<u32, LOADS>;
    // @unroll
    for (var i = 0u; i < LOADS; i++) {
        let load = min(load0 + i, loads - 1u);
        var first = load; // of the load's WIDTH channels, in units of WIDTH
        var tap = 0u;
        var kh = 0u;
        if !POINT {
            if WIDTH == 4u {
                first = load / taps;
                tap = load - first * taps;
            } else {
                tap = load / ci;
                first = load - tap * ci;
            }
            kh = tap / params.geometry.w_shape.w;
        }
        dw_at[i] = first * WIDTH * taps + tap;
        top[i] = kh * params.geometry.dilation.x - params.geometry.padding.x;
        left[i] = (tap - kh * params.geometry.w_shape.w) * params.geometry.dilation.y - params.geometry.padding.y;
        x_at[i] = (top[i] * params.geometry.x_shape.w + left[i]) * params.geometry.x_shape.y + conv_group * ci + first * WIDTH;
    }
    // Lane f of a load of dy holds pixel f / QUADS of the turn, channels 4 * (f % QUADS) .. + 3.
    var dy_pixel: array<u32, DY_LOADS>;
    var dy_at: array<u32, DY_LOADS>;
    // @unroll
    for (var i = 0u; i < DY_LOADS; i++) {
        let f = i * LANES + lane;
        dy_pixel[i] = begin + min(f / QUADS, TURN - 1u);
        dy_at[i] = dy_pixel[i] * params.geometry.y_shape.y + conv_group * co + min(channel0 + 4u * (f % QUADS), co - 1u);
    }

    // The next pixel: (h, w) = (oh*sh, ow*sw), and where its row and itself begin in x.
    let n = begin / image;
    let oh = (begin - n * image) / params.geometry.y_shape.w;
    var h = oh * params.geometry.stride.x;
    var w = (begin - n * image - oh * params.geometry.y_shape.w) * params.geometry.stride.y;
    let h_end = params.geometry.y_shape.z * params.geometry.stride.x;
    let w_end = params.geometry.y_shape.w * params.geometry.stride.y;
    let row_size = params.geometry.x_shape.w * params.geometry.x_shape.y;
    var row_at = (n * params.geometry.x_shape.z + h) * row_size;

    var acc: array<vec4<f32>, ROWS * QUADS>;
    for (var pixel = begin; pixel < end; pixel += TURN) {
        var dyv: array<vec4<f32>, DY_LOADS>;
        // @unroll
        for (var i = 0u; i < DY_LOADS; i++) {
            let inside = dy_pixel[i] < end;
            dyv[i] = select(vec4<f32>(), load_dy(select(0u, dy_at[i], inside)), inside);
            dy_pixel[i] += TURN;
            dy_at[i] += TURN * params.geometry.y_shape.y;
        }
        var xv: array<vec4<f32>, TURN * LOADS>;
        // @unroll
        for (var t = 0u; t < TURN; t++) {
            let base = row_at + w * params.geometry.x_shape.y;
            // @unroll
            for (var i = 0u; i < LOADS; i++) {
                let inside = (POINT || (h + top[i] < params.geometry.x_shape.z && w + left[i] < params.geometry.x_shape.w)) && pixel + t < end;
                xv[t * LOADS + i] = select(vec4<f32>(), load_x(select(0u, base + x_at[i], inside)), inside);
            }
            w += params.geometry.stride.y;
            if w == w_end {
                w = 0u;
                h += params.geometry.stride.x;
                row_at += params.geometry.stride.x * row_size;
                if h == h_end {
                    h = 0u;
                    row_at += (params.geometry.x_shape.z - h_end) * row_size;
                }
            }
        }
        // @unroll
        for (var q = 0u; q < QUADS; q++) {
            // @unroll
            for (var t = 0u; t < TURN; t++) {
                let d = subgroupShuffle(dyv[(t * QUADS + q) / LANES], (t * QUADS + q) % LANES);
                // @unroll
                for (var r = 0u; r < ROWS; r++) {
                    acc[r * QUADS + q] += xv[t * LOADS + r / WIDTH][r % WIDTH] * d;
                }
            }
        }
    }

    // A loop, because on software Vulkan a store is 2 KB of machine code. What it indexes is a copy, so that the sums above
    // are no array in memory; the shuffle tells llvmpipe that all lanes read the same element of it.
    var sums = acc;
    let used = select(0u, (min(co - channel0, CHANNELS) + 3u) / 4u, id < params.workgroups);
    for (var turn = 0u; turn < used; turn++) {
        let q = subgroupShuffle(turn, 0u);
        // @unroll
        for (var j = 0u; j < 4u; j++) {
            let channel = channel0 + 4u * q + j;
            let filter0 = ((split * params.geometry.groups + conv_group) * co + channel) * ci * taps;
            // @unroll
            for (var i = 0u; i < LOADS; i++) {
                if load0 + i < loads && (VEC_DY || channel < co) {
                    let at = filter0 + dw_at[i];
                    if WIDTH == 4u && POINT {
                        dw[at >> 2u] = vec4(sums[q][j], sums[QUADS + q][j], sums[2u * QUADS + q][j], sums[3u * QUADS + q][j]);
                    } else {
                        // @unroll
                        for (var r = 0u; r < WIDTH; r++) {
                            let element = at + r * taps;
                            dw[element >> 2u][element & 3u] = sums[(i * WIDTH + r) * QUADS + q][j];
                        }
                    }
                }
            }
        }
    }
}

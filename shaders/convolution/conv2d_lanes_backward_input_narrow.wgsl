// dx[n,ih,iw,ci] = Σ_{kh,kw,co} dy[n,oh,ow,co] * w[co,ci,kh,kw] over the taps with oh*sh = ih + ph - kh and
// ow*sw = iw + pw - kw, for two to four input channels: the gradient of a network's first convolution by its input, fp32,
// for software Vulkan (lavapipe) and any device with subgroups of LANES.
//
// Layouts:  channels-last. dy is [N,Ho,Wo,C_out] with C_out % 4 == 0, dx is [N,H,W,CHANNELS], the weight O I KH KW as it lies.
// Phases    as in conv2d_lanes_backward_input: a workgroup takes pixels of one phase and visits its taps only.
// Threads:  a workgroup is a subgroup. Lane l owns PIXELS neighbours of the phase in a row of dx. With so few channels a
//           loaded value of dy serves few products of one pixel; but neighbours reach the same pixels of dy by other taps, so
//           that per row of taps and four output channels a lane loads PIXELS + TAPS - 1 vec4 of dy for the products of
//           PIXELS * TAPS. Its share of the 4 x TAPS weights reaches the other lanes by shuffles from a constant lane.
// Host      Pixel = vec2, vec3 or vec4 of CHANNELS. TAPS = ceil(KW / sw), 8 at most.
//   rows = ceil(H / sh), row_runs = ceil(ceil(W / sw) / PIXELS), run_tiles = ceil(N * rows * row_runs / LANES),
//   workgroups = run_tiles * sh * sw. Every element of dx is written (0 where no tap reaches).
// Limits:   ceil(KH / sh) * (Co / 4 + 1) <= 65,000 (loops of Mesa before 23).

const CHANNELS: u32 = 3u; // @const input channels
alias Pixel = vec3<f32>; // @const a vector of CHANNELS
const TAPS: u32 = 3u; // @const taps of a phase in a row
const PIXELS: u32 = 8u; // @const neighbours of a lane
const LANES: u32 = 8u; // @const lanes of a subgroup: 4, 8 or 16
const REACH: u32 = PIXELS + TAPS - 1u;
const W_LOADS: u32 = (4u * TAPS + LANES - 1u) / LANES;

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
    rows: u32, row_runs: u32, run_tiles: u32, workgroups: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(subgroup_invocation_id) lane: u32) {
    // A surplus group recomputes the last tile and stores nothing: cheaper here than a masked body.
    let id = wg.x + grid.x * (wg.y + grid.y * wg.z);
    let group = min(id, params.workgroups - 1u);
    let phase = group / params.run_tiles;
    let phase_h = phase % params.geometry.stride.x;
    let phase_w = phase / params.geometry.stride.x;
    let own = (group - phase * params.run_tiles) * LANES + lane;
    let run = min(own, params.geometry.x_shape.x * params.rows * params.row_runs - 1u);
    let n = run / (params.rows * params.row_runs);
    let row = (run - n * params.rows * params.row_runs) / params.row_runs;
    let first = (run - (n * params.rows + row) * params.row_runs) * PIXELS;
    let ih = (phase_h + params.geometry.stride.x - params.geometry.padding.x % params.geometry.stride.x) % params.geometry.stride.x + params.geometry.stride.x * row;
    let iw = (phase_w + params.geometry.stride.y - params.geometry.padding.y % params.geometry.stride.y) % params.geometry.stride.y + params.geometry.stride.y * first;
    // The pixel of dy that the first pixel's first tap reaches. Further taps reach those before it.
    let oh = (ih + params.geometry.padding.x) / params.geometry.stride.x;
    let ow = (iw + params.geometry.padding.y) / params.geometry.stride.y;

    // Lane f of a load of weights holds tap f / 4 of the row, output channel f % 4 of the turn.
    let taps = params.geometry.w_shape.z * params.geometry.w_shape.w;
    var w_at: array<u32, W_LOADS>;
    var w_inside: array<bool, W_LOADS>;
    // @unroll
    for (var i = 0u; i < W_LOADS; i++) {
        let f = i * LANES + lane;
        let kw = phase_w + f / 4u * params.geometry.stride.y;
        w_inside[i] = kw < params.geometry.w_shape.w;
        w_at[i] = select(0u, kw + f % 4u * CHANNELS * taps, w_inside[i]);
    }
    // Where neighbours of dy begin in its row, in vec4s; one before the image wraps to a huge number.
    let quads = params.geometry.y_shape.y / 4u;
    var column: array<u32, REACH>;
    var inside: array<bool, REACH>;
    // @unroll
    for (var i = 0u; i < REACH; i++) {
        let at = ow + i - (TAPS - 1u);
        inside[i] = at < params.geometry.y_shape.w;
        column[i] = select(0u, at * quads, inside[i]);
    }

    var acc: array<Pixel, PIXELS>;
    var back = 0u;
    for (var kh = phase_h; kh < params.geometry.w_shape.z; kh += params.geometry.stride.x) {
        let y_row = oh - back;
        let row_inside = y_row < params.geometry.y_shape.z;
        let base = select(0u, (n * params.geometry.y_shape.z + y_row) * params.geometry.y_shape.w * quads, row_inside);
        back += 1u;
        for (var c = 0u; c < quads; c++) {
            var wv: array<Pixel, W_LOADS>;
            // @unroll
            for (var i = 0u; i < W_LOADS; i++) {
                let begin = 4u * c * CHANNELS * taps + kh * params.geometry.w_shape.w + w_at[i];
                // @unroll
                for (var k = 0u; k < CHANNELS; k++) {
                    wv[i][k] = select(0.0, weight[begin + k * taps], w_inside[i]);
                }
            }
            var dyv: array<vec4<f32>, REACH>;
            // @unroll
            for (var i = 0u; i < REACH; i++) {
                dyv[i] = select(vec4<f32>(), dy[base + column[i] + c], row_inside && inside[i]);
            }
            // @unroll
            for (var t = 0u; t < TAPS; t++) {
                // @unroll
                for (var j = 0u; j < 4u; j++) {
                    let w = subgroupShuffle(wv[(4u * t + j) / LANES], (4u * t + j) % LANES);
                    // @unroll
                    for (var p = 0u; p < PIXELS; p++) {
                        acc[p] += dyv[p + TAPS - 1u - t][j] * w;
                    }
                }
            }
        }
    }

    let exists = id < params.workgroups && own == run && ih < params.geometry.x_shape.z;
    let at = (n * params.geometry.x_shape.z + ih) * params.geometry.x_shape.w;
    // @unroll
    for (var p = 0u; p < PIXELS; p++) {
        let x = iw + p * params.geometry.stride.y;
        if exists && x < params.geometry.x_shape.w {
            // @unroll
            for (var k = 0u; k < CHANNELS; k++) {
                dx[(at + x) * CHANNELS + k] = acc[p][k];
            }
        }
    }
}

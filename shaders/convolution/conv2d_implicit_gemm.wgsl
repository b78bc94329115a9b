// y[n, oh, ow, o] = unary(residual + bias[o] + Σ x[n, oh · stride + kh · dilation − padding, …, i] · w[kh, kw, i, o]) as a matrix
// product whose left matrix is never written: its rows are windows, its columns taps and input channels, and a workgroup
// gathers the piece that it needs (implicit GEMM, Chetlur et al., cuDNN, arXiv 1410.0759). The product is that of matmul_vec4.
//
// Layouts: x and y are channels-last, w is packed [G][KH, KW, C/G, O/G]; M is N·OH·OW, N is O/G, K is KH·KW·C/G.
//   With several splits, split s sums K from s · chunk on, and y is [splits][N, OH, OW, O] of partial sums.
//   With POOL (of one split), the rows are the pixels of one window of four after the other, and y holds their maxima or means.
// Threads: 16 × 16 to a workgroup, which is 16 · THREAD_M windows by 16 · THREAD_N channels of one group.
// Workgroup memory: 2 · (TILE_K · (TILE_M + TILE_N) + PAD · TILE_K) · 4 bytes, 16.3 KiB as it stands.
// Limits: 5 storage buffers (any read-only buffer stands in for a bias or residual that is not added), 256 threads; THREAD_M · TILE_K and
//   THREAD_N · TILE_K are multiples of 64; chunk < 65,535 · TILE_K.

enable f16;

alias Operand = f32; // @const type of x and w: f32 or f16
alias Output = f32; // @const type of y: that of the operands, or f32 for partial sums
const THREAD_M: u32 = 8u; // @const pixels of a thread, a multiple of 4
const THREAD_N: u32 = 8u; // @const channels of a thread, a multiple of 4
const TILE_K: u32 = 8u; // @const step along K, a multiple of 4
const PAD: u32 = 4u; // @const vec4s after the rows of four k, 32 / TILE_K: the rows begin at other banks
const VEC_K: bool = false; // @const C/G is a multiple of 4: a vec4 of x lies within one tap
const VEC_N: bool = false; // @const O/G is a multiple of 4: weights are read by vec4
const HAS_BIAS: bool = false; // @const add bias
const HAS_RESIDUAL: bool = false; // @const add residual, of the shape and layout of the result
const RESIDUAL_IN_PLACE: bool = false; // @const the residual is what the result's memory holds
const POOL: u32 = 0u; // @const 0: each pixel is stored, 1: the maxima of windows of four, 2: their means
const POOL_HEIGHT: u32 = 1u; // @const rows of a window
const POOL_WIDTH: u32 = 1u; // @const columns of a window
const THREADS: u32 = 256u;
const TILE_M: u32 = 16u * THREAD_M;
const TILE_N: u32 = 16u * THREAD_N;
const ROW_QUADS: u32 = THREAD_M / 4u;
const COLUMN_QUADS: u32 = THREAD_N / 4u;
const K_QUADS: u32 = TILE_K / 4u;
const A_PITCH: u32 = TILE_M + PAD; // vec4s of four k
const A_SIZE: u32 = A_PITCH * K_QUADS; // vec4s of a tile
const B_SIZE: u32 = TILE_N * K_QUADS;
const A_LOADS: u32 = TILE_M * K_QUADS / THREADS;
const B_LOADS: u32 = TILE_N * K_QUADS / THREADS;

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
    geometry: Geometry, // with POOL y_shape is the extents that windows cover
    x_strides: vec4<u32>,
    y_strides: vec4<u32>, // of pixels, also where windows are stored
    by_channels: vec2<u32>, // magic numbers: the gathered operand's channels of a group
    by_kernel_w: vec2<u32>, // KW
    by_width: vec2<u32>, // columns of an image of pixels, or with POOL of windows
    by_image: vec2<u32>, // pixels or windows of an image
    by_stride_h: vec2<u32>,
    by_stride_w: vec2<u32>,
    count: u32, // workgroups with work
    chunk: u32, // of the sum, taken by one split
    terms: u32, // of the whole sum
    rows: u32, // M of a group's product
    columns: u32, // N of it
    tiles_m: u32, // ceil(rows / TILE_M)
    tiles_n: u32, // ceil(columns / TILE_N)
    p0: f32,
    p1: f32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<Operand>>;
@group(0) @binding(2) var<storage, read> w: array<vec4<Operand>>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> residual: array<Output>;
@group(0) @binding(5) var<storage, read_write> y: array<vec4<Output>>;

var<workgroup> a_tile: array<vec4<f32>, 2u * A_SIZE>;
var<workgroup> b_tile: array<vec4<f32>, 2u * B_SIZE>;

// @slot unary
fn unary(x: f32, p: vec2<f32>) -> f32 {
    return x;
}
// @end

// n / d for n < 2³¹ and the magic number and shift of d: the high half of a 64-bit product, of which WGSL has none, in 16-bit
// steps (Granlund and Montgomery, PLDI 1994).
fn quotient(n: u32, by: vec2<u32>) -> u32 {
    let low = n & 0xffffu;
    let high = n >> 16u;
    let middle = high * (by.x & 0xffffu) + ((low * (by.x & 0xffffu)) >> 16u);
    let rest = (middle & 0xffffu) + low * (by.x >> 16u);
    return (high * (by.x >> 16u) + (middle >> 16u) + (rest >> 16u) + n) >> by.y;
}

// Image, row and column of the pixel that a row of the product is.
fn pixel_of(row: u32) -> vec3<u32> {
    let size = vec2(POOL_HEIGHT, POOL_WIDTH);
    let extents = params.geometry.y_shape.zw / size;
    let result = select(row, row / 4u, POOL != 0u);
    let image = quotient(result, params.by_image);
    let in_image = result - image * (extents.x * extents.y);
    let at = quotient(in_image, params.by_width);
    let within = select(0u, row % 4u, POOL != 0u);
    return vec3(image, vec2(at, in_image - at * extents.y) * size + vec2(within / POOL_WIDTH, within % POOL_WIDTH));
}

// Where term k of a window is in x: the index, and whether it is inside. `corner` is the window's first row and column.
fn locate(base: u32, corner: vec2<u32>, k: u32, k_end: u32) -> vec2<u32> {
    let tap = quotient(k, params.by_channels);
    let tap_row = quotient(tap, params.by_kernel_w);
    // A tap above or left of the image wraps to a huge number, and fails the same test as one below or right of it.
    let at = corner + vec2(tap_row, tap - tap_row * params.geometry.w_shape.w) * params.geometry.dilation;
    let inside = k < k_end && at.x < params.geometry.x_shape.z && at.y < params.geometry.x_shape.w;
    let channel = k - tap * params.geometry.w_shape.y;
    return vec2(base + at.x * params.x_strides.z + at.y * params.x_strides.w + channel, u32(inside));
}

fn load_x(base: u32, corner: vec2<u32>, k: u32, k_end: u32) -> vec4<f32> {
    var v = vec4<f32>();
    if (VEC_K) {
        let at = locate(base, corner, k, k_end);
        if (at.y == 1u) {
            v = vec4<f32>(x[at.x / 4u]);
        }
        return v;
    }
    // @unroll
    for (var j = 0u; j < 4u; j++) {
        let at = locate(base, corner, k + j, k_end);
        if (at.y == 1u) {
            v[j] = f32(x[at.x / 4u][at.x % 4u]);
        }
    }
    return v;
}

// Four weights of term k: the packed matrix of a group is [K][N]. Past the edge there are zeros.
fn load_w(base: u32, k: u32, channel: u32, k_end: u32) -> vec4<f32> {
    if (k >= k_end || channel >= params.columns) {
        return vec4<f32>();
    }
    let at = base + k * params.columns + channel;
    if (VEC_N) {
        return vec4<f32>(w[at / 4u]);
    }
    var v = vec4<f32>();
    // @unroll
    for (var j = 0u; j < 4u; j++) {
        if (channel + j < params.columns) {
            v[j] = f32(w[(at + j) / 4u][(at + j) % 4u]);
        }
    }
    return v;
}

// The larger of two, or b where that is a window's first; NaN as soon as one is that. A comparison with NaN is false.
fn larger(a: vec4<f32>, b: vec4<f32>, first: bool) -> vec4<f32> {
    return select(b, a, ((a >= b) | !(a == a)) & vec4(!first));
}

@compute @workgroup_size(16, 16)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_id) thread: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
) {
    let id = group.x + grid.x * (group.y + grid.y * group.z);
    let column0 = id % params.tiles_n * TILE_N;
    let row0 = id / params.tiles_n % params.tiles_m * TILE_M;
    let slice = id / (params.tiles_n * params.tiles_m); // of a split, a group
    let channel_group = slice % params.geometry.groups;
    let split = slice / params.geometry.groups;
    let first = split * params.chunk;
    // A workgroup beyond the last one has nothing to sum, and still meets its barriers.
    let last = select(0u, min(params.terms, first + params.chunk), id < params.count);

    // A thread loads the same windows in every turn.
    var base: array<u32, A_LOADS>;
    var corner: array<vec2<u32>, A_LOADS>;
    // @unroll
    for (var i = 0u; i < A_LOADS; i++) {
        let pixel = pixel_of(min(row0 + (i * THREADS + index) / K_QUADS, params.rows - 1u));
        corner[i] = pixel.yz * params.geometry.stride - params.geometry.padding;
        base[i] = pixel.x * params.x_strides.x + channel_group * params.geometry.w_shape.y;
    }
    let w_base = channel_group * params.terms * params.columns;
    let a_k = index % K_QUADS * 4u;

    var sum: array<vec4<f32>, THREAD_M * COLUMN_QUADS>;
    var next_a: array<vec4<f32>, A_LOADS>;
    var next_b: array<vec4<f32>, B_LOADS>;
    var side = 0u;
    // Turn t keeps tile t − 1, fetches tile t and sums tile t − 1: one turn more than there are tiles.
    for (var k0 = first; k0 < last + TILE_K; k0 += TILE_K) {
        let from_a = side * A_SIZE;
        let from_b = side * B_SIZE;
        if (k0 > first) {
            // @unroll
            for (var i = 0u; i < A_LOADS; i++) {
                a_tile[from_a + index % K_QUADS * A_PITCH + (i * THREADS + index) / K_QUADS] = next_a[i];
            }
            // @unroll
            for (var i = 0u; i < B_LOADS; i++) {
                b_tile[from_b + i * THREADS + index] = next_b[i];
            }
        }
        // The other side may still be read: it is written only after the next barrier.
        workgroupBarrier();
        if (k0 < last) {
            // @unroll
            for (var i = 0u; i < A_LOADS; i++) {
                next_a[i] = load_x(base[i], corner[i], k0 + a_k, last);
            }
            // @unroll
            for (var i = 0u; i < B_LOADS; i++) {
                next_b[i] = load_w(w_base, k0 + (i * THREADS + index) / (TILE_N / 4u), column0 + index % (TILE_N / 4u) * 4u, last);
            }
        }
        if (k0 == first) {
            continue;
        }
        side = 1u - side;
        // @unroll
        for (var q = 0u; q < K_QUADS; q++) {
            var rows: array<vec4<f32>, THREAD_M>; // four k of each row
            var columns: array<mat4x4<f32>, COLUMN_QUADS>; // four k of four columns
            // @unroll
            for (var i = 0u; i < THREAD_M; i++) {
                rows[i] = a_tile[from_a + q * A_PITCH + i / 4u * 64u + thread.y * 4u + i % 4u];
            }
            // @unroll
            for (var g = 0u; g < COLUMN_QUADS; g++) {
                let at = from_b + q * TILE_N + g * 16u + thread.x;
                columns[g] = mat4x4(b_tile[at], b_tile[at + TILE_N / 4u], b_tile[at + TILE_N / 2u], b_tile[at + TILE_N / 4u * 3u]);
            }
            // @unroll
            for (var i = 0u; i < THREAD_M; i++) {
                // @unroll
                for (var g = 0u; g < COLUMN_QUADS; g++) {
                    var s = sum[i * COLUMN_QUADS + g];
                    s += rows[i].x * columns[g][0];
                    s += rows[i].y * columns[g][1];
                    s += rows[i].z * columns[g][2];
                    s += rows[i].w * columns[g][3];
                    sum[i * COLUMN_QUADS + g] = s;
                }
            }
        }
    }

    if (id >= params.count) {
        return;
    }
    let p = vec2(params.p0, params.p1);
    // @unroll
    for (var g = 0u; g < COLUMN_QUADS; g++) {
        let column = column0 + g * 64u + thread.x * 4u;
        let channel = channel_group * params.columns + column;
        var add = vec4<f32>();
        if (HAS_BIAS) {
            // @unroll
            for (var j = 0u; j < 4u; j++) {
                if (column + j < params.columns) {
                    add[j] = bias[channel + j];
                }
            }
        }
        var pooled = vec4<f32>();
        // @unroll
        for (var i = 0u; i < THREAD_M; i++) {
            let row = row0 + i / 4u * 64u + thread.y * 4u + i % 4u;
            if (row < params.rows && column < params.columns) {
                var at = (split * params.rows + row) * params.geometry.y_shape.y + channel;
                var s = sum[i * COLUMN_QUADS + g] + add;
                if (HAS_RESIDUAL) {
                    if (POOL != 0u) {
                        let pixel = pixel_of(row);
                        at = dot(pixel, params.y_strides.xzw) + channel;
                    }
                    // @unroll
                    for (var j = 0u; j < 4u; j++) {
                        if (column + j < params.columns) {
                            if RESIDUAL_IN_PLACE { s[j] += f32(y[(at + j) >> 2u][(at + j) & 3u]); } else { s[j] += f32(residual[at + j]); }
                        }
                    }
                }
                s = vec4(unary(s.x, p), unary(s.y, p), unary(s.z, p), unary(s.w, p));
                if (POOL == 1u) {
                    pooled = larger(pooled, s, i % 4u == 0u);
                    s = pooled;
                } else if (POOL == 2u) {
                    pooled = select(pooled, vec4<f32>(), i % 4u == 0u) + s;
                    s = pooled / 4.0;
                }
                if (POOL != 0u) {
                    at = row / 4u * params.geometry.y_shape.y + channel;
                }
                if (POOL != 0u && i % 4u != 3u) {
                    // The window's last pixel stores it.
                } else if (VEC_N) {
                    y[at / 4u] = vec4<Output>(s);
                } else {
                    // @unroll
                    for (var j = 0u; j < 4u; j++) {
                        if (column + j < params.columns) {
                            y[(at + j) / 4u][(at + j) % 4u] = Output(s[j]);
                        }
                    }
                }
            }
        }
    }
}

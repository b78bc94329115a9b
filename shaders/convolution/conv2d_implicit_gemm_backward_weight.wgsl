// partials[s, kh, kw, i, o] = Σ x[n, oh · stride + kh · dilation − padding, …, i] · grad_y[n, oh, ow, o] over the pixels
// (n, oh, ow) number s · chunk … (s + 1) · chunk − 1 of y, as an implicit matrix product: the gradient of
// conv2d_implicit_gemm by its weight. Rows of the left matrix are taps and input channels, the sum is over pixels, and it is
// split because there are few rows and columns and very many pixels; matmul_split_k_reduce adds the parts in a fixed order.
//
// Layouts: x and grad_y are channels-last, partials is [splits][G][KH, KW, C/G, O/G]; M is KH·KW·C/G, N is O/G, K is N·OH·OW.
// Threads: 16 × 16 to a workgroup, which is 16 · THREAD_M rows by 16 · THREAD_N output channels of one group and one split.
// Workgroup memory: 2 · TILE_K · (TILE_M + TILE_N) · 4 bytes, 16 KiB as it stands.
// Limits: 3 storage buffers, 256 threads; THREAD_M · TILE_K and THREAD_N · TILE_K are multiples of 64;
//   chunk < 65,535 · TILE_K.

const THREAD_M: u32 = 8u; // @const rows of a thread, a multiple of 4
const THREAD_N: u32 = 8u; // @const channels of a thread, a multiple of 4
const TILE_K: u32 = 8u; // @const step along K, a multiple of 4
const VEC_M: bool = false; // @const C/G is a multiple of 4: a vec4 of x lies within one tap
const VEC_N: bool = false; // @const O/G is a multiple of 4: grad_y is read by vec4
const THREADS: u32 = 256u;
const TILE_M: u32 = 16u * THREAD_M;
const TILE_N: u32 = 16u * THREAD_N;
const ROW_QUADS: u32 = THREAD_M / 4u;
const COLUMN_QUADS: u32 = THREAD_N / 4u;
const K_QUADS: u32 = TILE_K / 4u;
const A_SIZE: u32 = TILE_M * K_QUADS; // vec4s of a tile
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
    geometry: Geometry,
    x_strides: vec4<u32>,
    y_strides: vec4<u32>,
    by_channels: vec2<u32>, // magic numbers: the gathered operand's channels of a group
    by_kernel_w: vec2<u32>, // KW
    by_width: vec2<u32>, // columns of an image of pixels
    by_image: vec2<u32>, // pixels of an image
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
@group(0) @binding(1) var<storage, read> grad_y: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;

var<workgroup> a_tile: array<vec4<f32>, 2u * A_SIZE>;
var<workgroup> b_tile: array<vec4<f32>, 2u * B_SIZE>;

// n / d for n < 2³¹ and the magic number and shift of d: the high half of a 64-bit product, of which WGSL has none, in 16-bit
// steps (Granlund and Montgomery, PLDI 1994).
fn quotient(n: u32, by: vec2<u32>) -> u32 {
    let low = n & 0xffffu;
    let high = n >> 16u;
    let middle = high * (by.x & 0xffffu) + ((low * (by.x & 0xffffu)) >> 16u);
    let rest = (middle & 0xffffu) + low * (by.x >> 16u);
    return (high * (by.x >> 16u) + (middle >> 16u) + (rest >> 16u) + n) >> by.y;
}

// Where a row (a tap and an input channel) of a pixel is in x: the index, and whether it is inside.
fn locate(pixel: u32, row: u32, channel_group: u32, end: u32) -> vec2<u32> {
    let tap = quotient(row, params.by_channels);
    let tap_row = quotient(tap, params.by_kernel_w);
    let image = quotient(pixel, params.by_image);
    let in_image = pixel - image * (params.geometry.y_shape.z * params.geometry.y_shape.w);
    let y_row = quotient(in_image, params.by_width);
    let window = vec2(y_row, in_image - y_row * params.geometry.y_shape.w);
    // A tap above or left of the image wraps to a huge number, and fails the same test as one below or right of it.
    let at = window * params.geometry.stride + vec2(tap_row, tap - tap_row * params.geometry.w_shape.w) * params.geometry.dilation - params.geometry.padding;
    let inside = pixel < end && row < params.rows && all(at < params.geometry.x_shape.zw);
    let channel = channel_group * params.geometry.w_shape.y + row - tap * params.geometry.w_shape.y;
    return vec2(image * params.x_strides.x + at.x * params.x_strides.z + at.y * params.x_strides.w + channel, u32(inside));
}

fn load_x(pixel: u32, row: u32, channel_group: u32, end: u32) -> vec4<f32> {
    var v = vec4<f32>();
    if (VEC_M) {
        let at = locate(pixel, row, channel_group, end);
        if (at.y == 1u) {
            v = x[at.x / 4u];
        }
        return v;
    }
    // @unroll
    for (var j = 0u; j < 4u; j++) {
        let at = locate(pixel, row + j, channel_group, end);
        if (at.y == 1u) {
            v[j] = x[at.x / 4u][at.x % 4u];
        }
    }
    return v;
}

fn load_grad_y(pixel: u32, column: u32, channel_group: u32, end: u32) -> vec4<f32> {
    var v = vec4<f32>();
    if (pixel >= end || column >= params.columns) {
        return v;
    }
    let at = pixel * params.geometry.y_shape.y + channel_group * params.columns + column;
    if (VEC_N) {
        return grad_y[at / 4u];
    }
    // @unroll
    for (var j = 0u; j < 4u; j++) {
        if (column + j < params.columns) {
            v[j] = grad_y[(at + j) / 4u][(at + j) % 4u];
        }
    }
    return v;
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
    let first = slice / params.geometry.groups * params.chunk;
    // A workgroup beyond the last one has nothing to sum, and still meets its barriers.
    let last = select(0u, min(params.terms, first + params.chunk), id < params.count);

    let a_row = row0 + index % (TILE_M / 4u) * 4u;
    let b_column = column0 + index % (TILE_N / 4u) * 4u;
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
                a_tile[from_a + i * THREADS + index] = next_a[i];
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
                next_a[i] = load_x(k0 + (i * THREADS + index) / (TILE_M / 4u), a_row, channel_group, last);
            }
            // @unroll
            for (var i = 0u; i < B_LOADS; i++) {
                next_b[i] = load_grad_y(k0 + (i * THREADS + index) / (TILE_N / 4u), b_column, channel_group, last);
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
            for (var g = 0u; g < ROW_QUADS; g++) {
                let at = from_a + q * TILE_M + g * 16u + thread.y;
                let t = transpose(mat4x4(a_tile[at], a_tile[at + TILE_M / 4u], a_tile[at + TILE_M / 2u], a_tile[at + TILE_M / 4u * 3u]));
                // @unroll
                for (var i = 0u; i < 4u; i++) {
                    rows[g * 4u + i] = t[i];
                }
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
    // @unroll
    for (var j = 0u; j < THREAD_N; j++) {
        let column = column0 + j / 4u * 64u + thread.x * 4u + j % 4u;
        if (column < params.columns) {
            // @unroll
            for (var i = 0u; i < THREAD_M; i++) {
                let row = row0 + i / 4u * 64u + thread.y * 4u + i % 4u;
                if (row < params.rows) {
                    partials[(slice * params.rows + row) * params.columns + column] = sum[i * COLUMN_QUADS + j / 4u][j % 4u];
                }
            }
        }
    }
}

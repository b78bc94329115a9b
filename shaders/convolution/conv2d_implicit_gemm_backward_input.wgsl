// grad_x[n, h, w, i] = Σ grad_y[n, oh, ow, o] · w[kh, kw, o, i] over the taps with h = oh · stride + kh · dilation − padding
// and w likewise, as an implicit matrix product: the gradient of conv2d_implicit_gemm by its input, also called a
// transposed convolution. Rows of the left matrix are pixels of x; where no window has the pixel at a tap there is a 0.
//
// Layouts: grad_x and grad_y are channels-last, w is packed [G][KH, KW, O/G, C/G]; M is N·H·W, N is C/G, K is KH·KW·O/G.
//   With several splits, split s sums K from s · chunk on, and grad_x is [splits][N, H, W, C] of partial sums.
// Threads: 16 × 16 to a workgroup, which is 16 · THREAD_M pixels by 16 · THREAD_N channels of one group.
// Workgroup memory: 2 · (TILE_K · (TILE_M + TILE_N) + PAD · TILE_K) · 4 bytes, 16.3 KiB as it stands.
// Limits: 3 storage buffers, 256 threads; THREAD_M · TILE_K and THREAD_N · TILE_K are multiples of 64; chunk < 65,535 · TILE_K.

const THREAD_M: u32 = 8u; // @const pixels of a thread, a multiple of 4
const THREAD_N: u32 = 8u; // @const channels of a thread, a multiple of 4
const TILE_K: u32 = 8u; // @const step along K, a multiple of 4
const PAD: u32 = 4u; // @const vec4s after the rows of four k, 32 / TILE_K: the rows begin at other banks
const VEC_K: bool = false; // @const O/G is a multiple of 4: a vec4 of grad_y lies within one tap
const VEC_N: bool = false; // @const C/G is a multiple of 4: weights are read by vec4
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
@group(0) @binding(2) var<storage, read> w: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> grad_x: array<vec4<f32>>;

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

// Where term k of a pixel is in grad_y: the index, and whether there is one. `corner` is the pixel plus the padding.
fn locate(base: u32, corner: vec2<u32>, k: u32, k_end: u32) -> vec2<u32> {
    let tap = quotient(k, params.by_channels);
    let tap_row = quotient(tap, params.by_kernel_w);
    let distance = corner - vec2(tap_row, tap - tap_row * params.geometry.w_shape.w) * params.geometry.dilation;
    // Negative distances wrap to huge numbers, which are no numerators, and beyond every window.
    let near = distance & vec2(0x7fffffffu);
    let at = vec2(quotient(near.x, params.by_stride_h), quotient(near.y, params.by_stride_w));
    let inside = k < k_end && all(near == distance) && all(at < params.geometry.y_shape.zw) && all(at * params.geometry.stride == distance);
    let channel = k - tap * (params.geometry.y_shape.y / params.geometry.groups);
    return vec2(base + at.x * params.y_strides.z + at.y * params.y_strides.w + channel, u32(inside));
}

fn load_grad_y(base: u32, corner: vec2<u32>, k: u32, k_end: u32) -> vec4<f32> {
    var v = vec4<f32>();
    if (VEC_K) {
        let at = locate(base, corner, k, k_end);
        if (at.y == 1u) {
            v = grad_y[at.x / 4u];
        }
        return v;
    }
    // @unroll
    for (var j = 0u; j < 4u; j++) {
        let at = locate(base, corner, k + j, k_end);
        if (at.y == 1u) {
            v[j] = grad_y[at.x / 4u][at.x % 4u];
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
        return w[at / 4u];
    }
    var v = vec4<f32>();
    // @unroll
    for (var j = 0u; j < 4u; j++) {
        if (channel + j < params.columns) {
            v[j] = w[(at + j) / 4u][(at + j) % 4u];
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
    let split = slice / params.geometry.groups;
    let first = split * params.chunk;
    // A workgroup beyond the last one has nothing to sum, and still meets its barriers.
    let last = select(0u, min(params.terms, first + params.chunk), id < params.count);

    // A thread loads for the same pixels in every turn.
    var base: array<u32, A_LOADS>;
    var corner: array<vec2<u32>, A_LOADS>;
    // @unroll
    for (var i = 0u; i < A_LOADS; i++) {
        let pixel = min(row0 + (i * THREADS + index) / K_QUADS, params.rows - 1u);
        let image = quotient(pixel, params.by_image);
        let in_image = pixel - image * (params.geometry.x_shape.z * params.geometry.x_shape.w);
        let row = quotient(in_image, params.by_width);
        corner[i] = vec2(row, in_image - row * params.geometry.x_shape.w) + params.geometry.padding;
        base[i] = image * params.y_strides.x + channel_group * (params.geometry.y_shape.y / params.geometry.groups);
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
                next_a[i] = load_grad_y(base[i], corner[i], k0 + a_k, last);
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
    // @unroll
    for (var g = 0u; g < COLUMN_QUADS; g++) {
        let column = column0 + g * 64u + thread.x * 4u;
        let channel = channel_group * params.columns + column;
        // @unroll
        for (var i = 0u; i < THREAD_M; i++) {
            let pixel = row0 + i / 4u * 64u + thread.y * 4u + i % 4u;
            if (pixel < params.rows && column < params.columns) {
                let at = (split * params.rows + pixel) * params.geometry.x_shape.y + channel;
                let s = sum[i * COLUMN_QUADS + g];
                if (VEC_N) {
                    grad_x[at / 4u] = s;
                } else {
                    // @unroll
                    for (var j = 0u; j < 4u; j++) {
                        if (column + j < params.columns) {
                            grad_x[(at + j) / 4u][(at + j) % 4u] = s[j];
                        }
                    }
                }
            }
        }
    }
}

// y[n, oh, ow, o] = unary(residual + bias[o] + Σ x[n, oh · stride + kh · dilation − padding, …, i] · w[kh, kw, i, o]) for f16
// operands and f32 sums: the implicit product of conv2d_implicit_gemm, multiplied as matmul_cooperative does it, by the
// device's matrix units.
//
// Layouts: as conv2d_implicit_gemm; C/G and O/G are multiples of 4.
// Threads: 4 subgroups to a workgroup, 2 × 2; each has FRAGMENTS_M × FRAGMENTS_N matrices of EDGE windows by EDGE channels of one
//   group. All threads gather; a thread gathers at the same place of a window's terms for all of its windows.
// Workgroup memory: 2 · (A_SIZE + B_SIZE) vec4s of operands and 4 · C_SIZE of f32, 28 KiB as it stands; 2 vec4s lie behind each
//   row, for the banks.
// Limits: 5 storage buffers, 4 · SUBGROUP threads; cooperative matrices with f32 sums, of 16 × 16 f16 (Vulkan) as it stands, or of
//   8 × 8 f16 or f32 (Metal) with the slot's `simdgroup`; chunk is a multiple of TILE_K.

enable f16;
enable wgpu_cooperative_matrix;

alias Operand = f16; // @const type of x and w: f16, or f32 where the device multiplies those
alias Output = f32; // @const type of y: that of the operands, or f32 for partial sums
const SUBGROUP: u32 = 32u; // @const threads of a subgroup
const EDGE: u32 = 16u; // @const rows and columns of a matrix: 16, or 8 with the slot for those
const FRAGMENTS_M: u32 = 4u; // @const matrices of a subgroup, downwards
const FRAGMENTS_N: u32 = 4u; // @const and across
const TILE_K: u32 = 16u; // @const step along K, a multiple of EDGE
const HAS_BIAS: bool = false; // @const add bias
const HAS_RESIDUAL: bool = false; // @const add residual, of the shape and layout of the result
const RESIDUAL_IN_PLACE: bool = false; // @const the residual is what the result's memory holds
const SUBGROUPS: u32 = 4u;
const THREADS: u32 = SUBGROUPS * SUBGROUP;
const TILE_M: u32 = 2u * EDGE * FRAGMENTS_M;
const TILE_N: u32 = 2u * EDGE * FRAGMENTS_N;
const A_QUADS: u32 = TILE_K / 4u; // vec4s of a row
const B_QUADS: u32 = TILE_N / 4u;
const A_PITCH: u32 = A_QUADS + 2u;
const B_PITCH: u32 = B_QUADS + 2u;
const A_SIZE: u32 = TILE_M * A_PITCH;
const B_SIZE: u32 = TILE_K * B_PITCH;
const A_LOADS: u32 = TILE_M * TILE_K / 4u / THREADS;
const B_LOADS: u32 = TILE_N * TILE_K / 4u / THREADS;
const C_QUADS: u32 = EDGE / 4u; // vec4s of a row of a matrix of sums
const C_PITCH: u32 = C_QUADS + 1u;
const C_SIZE: u32 = EDGE * C_PITCH;

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
@group(0) @binding(1) var<storage, read> x: array<vec4<Operand>>;
@group(0) @binding(2) var<storage, read> w: array<vec4<Operand>>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> residual: array<Output>;
@group(0) @binding(5) var<storage, read_write> y: array<vec4<Output>>;

var<private> lane: u32; // of the subgroup

// @slot unary
fn unary(x: f32, p: vec2<f32>) -> f32 {
    return x;
}
// @end

// @slot cooperative
alias MatrixA = coop_mat16x16<Operand, A>;
alias MatrixB = coop_mat16x16<Operand, B>;
alias MatrixC = coop_mat16x16<f32, C>;

var<workgroup> a_tile: array<vec4<Operand>, 2u * A_SIZE>;
var<workgroup> b_tile: array<vec4<Operand>, 2u * B_SIZE>;
var<workgroup> c_tile: array<vec4<f32>, SUBGROUPS * C_SIZE>;

// Places and pitches count vec4s; the rows of a matrix, or its columns, lie `pitch` apart.
fn keep_a(at: u32, v: vec4<Operand>) {
    a_tile[at] = v;
}

fn keep_b(at: u32, v: vec4<Operand>) {
    b_tile[at] = v;
}

fn a_by_rows(at: u32, pitch: u32) -> MatrixA {
    return coopLoadT<MatrixA>(&a_tile[at], pitch);
}

fn b_by_rows(at: u32, pitch: u32) -> MatrixB {
    return coopLoadT<MatrixB>(&b_tile[at], pitch);
}

fn multiply_add(x: MatrixA, y: MatrixB, z: MatrixC) -> MatrixC {
    return coopMultiplyAdd(x, y, z);
}

fn store_c(z: MatrixC, at: u32, pitch: u32) {
    coopStoreT(z, &c_tile[at], pitch);
}

fn kept_c(at: u32) -> vec4<f32> {
    return c_tile[at];
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

// Four weights of term k: the packed matrix of a group is [K][N]. Past the edge there are zeros.
fn load_w(base: u32, k: u32, channel: u32, k_end: u32) -> vec4<Operand> {
    if (k >= k_end || channel >= params.columns) {
        return vec4<Operand>();
    }
    return w[(base + k * params.columns + channel) / 4u];
}

@compute @workgroup_size(THREADS)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
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
    let subgroup = index / SUBGROUP;
    lane = index % SUBGROUP;
    let square_m = subgroup / 2u * FRAGMENTS_M * EDGE;
    let square_n = subgroup % 2u * FRAGMENTS_N * EDGE;

    var base: array<u32, A_LOADS>;
    var corner: array<vec2<u32>, A_LOADS>;
    // @unroll
    for (var i = 0u; i < A_LOADS; i++) {
        let pixel = min(row0 + (i * THREADS + index) / A_QUADS, params.rows - 1u);
        let image = quotient(pixel, params.by_image);
        let in_image = pixel - image * (params.geometry.y_shape.z * params.geometry.y_shape.w);
        let row = quotient(in_image, params.by_width);
        corner[i] = vec2(row, in_image - row * params.geometry.y_shape.w) * params.geometry.stride - params.geometry.padding;
        base[i] = image * params.x_strides.x + channel_group * params.geometry.w_shape.y;
    }
    let w_base = channel_group * params.terms * params.columns;

    var sum: array<MatrixC, FRAGMENTS_M * FRAGMENTS_N>;
    var next_a: array<vec4<Operand>, A_LOADS>;
    var next_b: array<vec4<Operand>, B_LOADS>;
    var side = 0u;
    // Turn t keeps tile t − 1, fetches tile t and sums tile t − 1: one turn more than there are tiles.
    for (var k0 = first; k0 < last + TILE_K; k0 += TILE_K) {
        if (k0 > first) {
            // @unroll
            for (var i = 0u; i < A_LOADS; i++) {
                let f = i * THREADS + index;
                keep_a(side * A_SIZE + f / A_QUADS * A_PITCH + f % A_QUADS, next_a[i]);
            }
            // @unroll
            for (var i = 0u; i < B_LOADS; i++) {
                let f = i * THREADS + index;
                keep_b(side * B_SIZE + f / B_QUADS * B_PITCH + f % B_QUADS, next_b[i]);
            }
        }
        // The other side may still be read: it is written only after the next barrier.
        workgroupBarrier();
        if (k0 < last) {
            let k = k0 + index % A_QUADS * 4u;
            let tap = quotient(k, params.by_channels);
            let tap_row = quotient(tap, params.by_kernel_w);
            let offset = vec2(tap_row, tap - tap_row * params.geometry.w_shape.w) * params.geometry.dilation;
            let channel = k - tap * params.geometry.w_shape.y;
            // @unroll
            for (var i = 0u; i < A_LOADS; i++) {
                // A tap above or left of the image wraps to a huge number, and fails the same test as one below or right of it.
                let at = corner[i] + offset;
                next_a[i] = vec4<Operand>();
                if (k < last && at.x < params.geometry.x_shape.z && at.y < params.geometry.x_shape.w) {
                    next_a[i] = x[(base[i] + at.x * params.x_strides.z + at.y * params.x_strides.w + channel) / 4u];
                }
            }
            // @unroll
            for (var i = 0u; i < B_LOADS; i++) {
                let f = i * THREADS + index;
                next_b[i] = load_w(w_base, k0 + f / B_QUADS, column0 + f % B_QUADS * 4u, last);
            }
        }
        if (k0 == first) {
            continue;
        }
        // @unroll
        for (var k = 0u; k < TILE_K; k += EDGE) {
            var columns: array<MatrixB, FRAGMENTS_N>;
            // @unroll
            for (var j = 0u; j < FRAGMENTS_N; j++) {
                columns[j] = b_by_rows(side * B_SIZE + k * B_PITCH + (square_n + j * EDGE) / 4u, B_PITCH);
            }
            // @unroll
            for (var i = 0u; i < FRAGMENTS_M; i++) {
                let rows = a_by_rows(side * A_SIZE + (square_m + i * EDGE) * A_PITCH + k / 4u, A_PITCH);
                // @unroll
                for (var j = 0u; j < FRAGMENTS_N; j++) {
                    sum[i * FRAGMENTS_N + j] = multiply_add(rows, columns[j], sum[i * FRAGMENTS_N + j]);
                }
            }
        }
        side = 1u - side;
    }

    let p = vec2(params.p0, params.p1);
    // @unroll
    for (var f = 0u; f < FRAGMENTS_M * FRAGMENTS_N; f++) {
        store_c(sum[f], subgroup * C_SIZE, C_PITCH);
        workgroupBarrier();
        for (var q = lane; q < EDGE * C_QUADS; q += SUBGROUP) {
            let pixel = row0 + square_m + f / FRAGMENTS_N * EDGE + q / C_QUADS;
            let column = column0 + square_n + f % FRAGMENTS_N * EDGE + q % C_QUADS * 4u;
            if (id < params.count && pixel < params.rows && column < params.columns) {
                var v = kept_c(subgroup * C_SIZE + q / C_QUADS * C_PITCH + q % C_QUADS);
                let channel = channel_group * params.columns + column;
                let at = (split * params.rows + pixel) * params.geometry.y_shape.y + channel;
                // @unroll
                for (var e = 0u; e < 4u; e++) {
                    if (HAS_BIAS) {
                        v[e] += bias[channel + e];
                    }
                    if (HAS_RESIDUAL) {
                        if RESIDUAL_IN_PLACE { v[e] += f32(y[(at + e) >> 2u][(at + e) & 3u]); } else { v[e] += f32(residual[at + e]); }
                    }
                    v[e] = unary(v[e], p);
                }
                y[at / 4u] = vec4<Output>(v);
            }
        }
        workgroupBarrier();
    }
}

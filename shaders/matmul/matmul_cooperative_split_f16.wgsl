// C[b] = unary(A[b] · B[b] + bias + residual[b]) to the accuracy of fp32 by products of f16 matrices: with a = a₁ + a₂/2048 and b likewise,
// a·b ≈ a₁·b₁ + (a₁·b₂ + a₂·b₁)/2048, and a₂·b₂ is below the last bit (Ootomo and Yokota, arXiv 2203.03341). Matrix units
// round sums towards zero, so a₁·b₁ is added up outside of them; the small terms may be summed inside.
//
// Layouts: a and b are what matmul_split_f16 makes: [batches, 2, M or N padded, K padded], K the fastest; scales holds what
//   undoes the scaling of A and of B; C is [splits, batches, M, N].
// Threads: 8 subgroups to a workgroup, 4 down and 2 across; each has FRAGMENTS_M × FRAGMENTS_N squares of 16 × 16 of C.
// Workgroup memory: (TILE_M + TILE_N) · (TILE_K + 8) · 4 + 8,192 bytes, 32 KiB as it stands; halves of a row lie 8 apart from the
//   next row's, for the banks. Sums go to bias and activation through it, a square at a time.
// Limits: 6 storage buffers, 8 · SUBGROUP threads; cooperative matrices of 16 × 16 f16 with f32 sums (Vulkan). TILE_M and TILE_N
//   divide the padded extents, TILE_K divides k_chunk and the padded K.

enable f16;
enable wgpu_cooperative_matrix;

alias Operand = f16; // what matmul_split_f16 makes
const SUBGROUP: u32 = 32u; // @const threads of a subgroup
const EDGE: u32 = 16u; // rows and columns of a matrix
const FRAGMENTS_M: u32 = 2u; // @const matrices of a subgroup, downwards
const FRAGMENTS_N: u32 = 4u; // @const and across
const TILE_K: u32 = 16u; // @const step along K, a multiple of 16
const VEC_C: bool = false; // @const N is a multiple of 4
const GROUP_M: u32 = 1u; // @const tiles of a band of C, which is walked column by column
const HAS_BIAS: bool = false; // @const add bias
const HAS_RESIDUAL: bool = false; // @const add residual, of the shape and layout of the result
const RESIDUAL_IN_PLACE: bool = false; // @const the residual is what the result's memory holds
const SUBGROUPS: u32 = 8u;
const THREADS: u32 = SUBGROUPS * SUBGROUP;
const TILE_M: u32 = 64u * FRAGMENTS_M;
const TILE_N: u32 = 32u * FRAGMENTS_N;
const QUADS: u32 = TILE_K / 4u; // vec4s of a row
const PITCH: u32 = QUADS + 2u;
const A_SIZE: u32 = TILE_M * PITCH;
const B_SIZE: u32 = TILE_N * PITCH;
const A_LOADS: u32 = (TILE_M * QUADS + THREADS - 1u) / THREADS; // of one half
const B_LOADS: u32 = (TILE_N * QUADS + THREADS - 1u) / THREADS;
const C_SIZE: u32 = 64u;

struct Params {
    m: u32,
    n: u32,
    k: u32, // padded
    batches: u32,
    a_stride: u32, // vec4s from one matrix to the next
    b_stride: u32,
    a_plane: u32, // vec4s from the high halves to the low ones
    b_plane: u32,
    tiles_m: u32, // ceil(M / TILE_M)
    tiles_n: u32, // ceil(N / TILE_N)
    workgroups: u32, // with work
    k_chunk: u32, // of K, summed by one split
    p0: f32,
    p1: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<vec4<f16>>;
@group(0) @binding(2) var<storage, read> b: array<vec4<f16>>;
@group(0) @binding(3) var<storage, read> scales: array<f32>;
@group(0) @binding(4) var<storage, read> bias: array<f32>;
@group(0) @binding(5) var<storage, read> residual: array<f32>;
@group(0) @binding(6) var<storage, read_write> c: array<vec4<f32>>;

var<private> lane: u32; // of the subgroup

// @slot unary
fn unary(x: f32, p: vec2<f32>) -> f32 {
    return x;
}
// @end

// a_tile and b_tile: high halves, then low ones.
// @slot cooperative
alias MatrixA = coop_mat16x16<Operand, A>;
alias MatrixB = coop_mat16x16<Operand, B>;
alias MatrixC = coop_mat16x16<f32, C>;

var<workgroup> a_tile: array<vec4<Operand>, 2u * A_SIZE>;
var<workgroup> b_tile: array<vec4<Operand>, 2u * B_SIZE>;
var<workgroup> c_tile: array<vec4<f32>, SUBGROUPS * C_SIZE>;

// Offsets and pitches count vec4s; the rows of a matrix, or its columns, lie `pitch` apart.
fn keep_a(at: u32, v: vec4<Operand>) {
    a_tile[at] = v;
}

fn keep_b(at: u32, v: vec4<Operand>) {
    b_tile[at] = v;
}

fn a_by_rows(at: u32, pitch: u32) -> MatrixA {
    return coopLoadT<MatrixA>(&a_tile[at], pitch);
}

fn b_by_columns(at: u32, pitch: u32) -> MatrixB {
    return coopLoad<MatrixB>(&b_tile[at], pitch);
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

@compute @workgroup_size(THREADS)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
) {
    let id = group.x + grid.x * (group.y + grid.y * group.z);
    let slice = id / (params.tiles_n * params.tiles_m);
    let tile = id - slice * (params.tiles_n * params.tiles_m);
    let band = tile / (GROUP_M * params.tiles_n) * GROUP_M;
    let height = min(params.tiles_m - band, GROUP_M);
    let in_band = tile - band * params.tiles_n;
    let column0 = in_band / height * TILE_N;
    let row0 = (band + in_band % height) * TILE_M;
    let batch = slice % params.batches;
    let first = slice / params.batches * params.k_chunk;
    // A workgroup beyond the last one has nothing to sum, and still reaches its barriers.
    let last = select(0u, min(params.k, first + params.k_chunk), id < params.workgroups);
    let pitch = params.k / 4u;
    let a_base = batch * params.a_stride + row0 * pitch;
    let b_base = batch * params.b_stride + column0 * pitch;
    let subgroup = index / SUBGROUP;
    lane = index % SUBGROUP;
    let square_m = subgroup / 2u * FRAGMENTS_M * 16u;
    let square_n = subgroup % 2u * FRAGMENTS_N * 16u;

    var sum: array<MatrixC, FRAGMENTS_M * FRAGMENTS_N>;
    var rest: array<MatrixC, FRAGMENTS_M * FRAGMENTS_N>;
    var next_a: array<vec4<f16>, 2u * A_LOADS>;
    var next_b: array<vec4<f16>, 2u * B_LOADS>;
    // Iteration t stores tile t − 1 in workgroup memory, loads tile t and sums tile t − 1: one more than there are tiles.
    for (var k0 = first; k0 < last + TILE_K; k0 += TILE_K) {
        if (k0 > first) {
            // @unroll
            for (var i = 0u; i < A_LOADS; i++) {
                let f = i * THREADS + index;
                if (f < TILE_M * QUADS) {
                    keep_a(f / QUADS * PITCH + f % QUADS, next_a[2u * i]);
                    keep_a(A_SIZE + f / QUADS * PITCH + f % QUADS, next_a[2u * i + 1u]);
                }
            }
            // @unroll
            for (var i = 0u; i < B_LOADS; i++) {
                let f = i * THREADS + index;
                if (f < TILE_N * QUADS) {
                    keep_b(f / QUADS * PITCH + f % QUADS, next_b[2u * i]);
                    keep_b(B_SIZE + f / QUADS * PITCH + f % QUADS, next_b[2u * i + 1u]);
                }
            }
        }
        workgroupBarrier();
        if (k0 < last) {
            // @unroll
            for (var i = 0u; i < A_LOADS; i++) {
                let f = i * THREADS + index;
                if (f < TILE_M * QUADS) {
                    let at = a_base + f / QUADS * pitch + k0 / 4u + f % QUADS;
                    next_a[2u * i] = a[at];
                    next_a[2u * i + 1u] = a[at + params.a_plane];
                }
            }
            // @unroll
            for (var i = 0u; i < B_LOADS; i++) {
                let f = i * THREADS + index;
                if (f < TILE_N * QUADS) {
                    let at = b_base + f / QUADS * pitch + k0 / 4u + f % QUADS;
                    next_b[2u * i] = b[at];
                    next_b[2u * i + 1u] = b[at + params.b_plane];
                }
            }
        }
        if (k0 > first) {
            // @unroll
            for (var k = 0u; k < TILE_K; k += 16u) {
                var high: array<MatrixB, FRAGMENTS_N>;
                var low: array<MatrixB, FRAGMENTS_N>;
                // @unroll
                for (var j = 0u; j < FRAGMENTS_N; j++) {
                    let at = (square_n + j * 16u) * PITCH + k / 4u;
                    high[j] = b_by_columns(at, PITCH);
                    low[j] = b_by_columns(B_SIZE + at, PITCH);
                }
                // @unroll
                for (var i = 0u; i < FRAGMENTS_M; i++) {
                    let at = (square_m + i * 16u) * PITCH + k / 4u;
                    let a_high = a_by_rows(at, PITCH);
                    let a_low = a_by_rows(A_SIZE + at, PITCH);
                    // @unroll
                    for (var j = 0u; j < FRAGMENTS_N; j++) {
                        let f = i * FRAGMENTS_N + j;
                        sum[f] = sum[f] + multiply_add(a_high, high[j], MatrixC());
                        rest[f] = multiply_add(a_low, high[j], multiply_add(a_high, low[j], rest[f]));
                    }
                }
            }
        }
        // There is one of each tile: it is written only after all have read it.
        workgroupBarrier();
    }

    let p = vec2(params.p0, params.p1);
    // @unroll
    for (var f = 0u; f < FRAGMENTS_M * FRAGMENTS_N; f++) {
        store_c(sum[f] + rest[f] * (1.0 / 2048.0), subgroup * C_SIZE, 4u);
        workgroupBarrier();
        for (var q = lane; q < 64u; q += SUBGROUP) {
            let row = row0 + square_m + f / FRAGMENTS_N * 16u + q / 4u;
            let column = column0 + square_n + f % FRAGMENTS_N * 16u + q % 4u * 4u;
            if (id < params.workgroups && row < params.m && column < params.n) {
                var v = kept_c(subgroup * C_SIZE + q) * scales[0] * scales[1];
                let at = (slice * params.m + row) * params.n + column;
                // @unroll
                for (var e = 0u; e < 4u; e++) {
                    if (VEC_C || column + e < params.n) {
                        if (HAS_BIAS) {
                            v[e] += bias[column + e];
                        }
                        if (HAS_RESIDUAL) {
                            if RESIDUAL_IN_PLACE { v[e] += f32(c[(at + e) >> 2u][(at + e) & 3u]); } else { v[e] += f32(residual[at + e]); }
                        }
                        v[e] = unary(v[e], p);
                        if (!VEC_C) {
                            c[(at + e) / 4u][(at + e) % 4u] = v[e];
                        }
                    }
                }
                if (VEC_C) {
                    c[at / 4u] = v;
                }
            }
        }
        workgroupBarrier();
    }
}

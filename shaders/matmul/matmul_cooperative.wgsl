// C[b] = unary(A[b] · B[b] + bias + residual[b]) for f16 operands and f32 sums: step 5 of the ladder. The idea it adds: the threads of a
// subgroup hold EDGE × EDGE matrices together and multiply them in one instruction (cooperative matrices: tensor cores).
//
// Layouts: as matmul_naive; the fastest extents of A and B and both strides are multiples of 4, with VEC_C N as well.
// Threads: 4 subgroups to a workgroup, 2 × 2; each has FRAGMENTS_M × FRAGMENTS_N matrices of C. All threads load.
// Workgroup memory: 2 · (A_SIZE + B_SIZE) vec4s of operands and 4 · C_SIZE of f32, 29 KiB as it stands; tiles keep the order of
//   memory, with 2 vec4s behind each row, for the banks. Sums go to bias and activation through it, a matrix at a time.
// Limits: 5 storage buffers, 4 · SUBGROUP threads; cooperative matrices with f32 sums, of 16 × 16 f16 (Vulkan) as it stands, or of
//   8 × 8 f16 or f32 (Metal) with the slot's `simdgroup`. k_chunk is a multiple of TILE_K or K.

enable f16;
enable wgpu_cooperative_matrix;

alias Operand = f16; // @const type of A and B: f16, or f32 where the device multiplies those
alias Output = f32; // @const type of C: that of the operands, or f32 for partial sums
const SUBGROUP: u32 = 32u; // @const threads of a subgroup
const EDGE: u32 = 16u; // @const rows and columns of a matrix: 16, or 8 with the slot for those
const FRAGMENTS_M: u32 = 4u; // @const matrices of a subgroup, downwards
const FRAGMENTS_N: u32 = 4u; // @const and across
const TILE_K: u32 = 16u; // @const step along K, a multiple of EDGE
const TRANSPOSE_A: bool = false; // @const A is stored [K, M]
const TRANSPOSE_B: bool = false; // @const B is stored [N, K]
const VEC_C: bool = false; // @const N is a multiple of 4
const GROUP_M: u32 = 1u; // @const tiles of a band of C, which is walked column by column
const HAS_BIAS: bool = false; // @const add bias
const HAS_RESIDUAL: bool = false; // @const add residual, of the shape and layout of the result
const RESIDUAL_IN_PLACE: bool = false; // @const the residual is what the result's memory holds
const SUBGROUPS: u32 = 4u;
const THREADS: u32 = SUBGROUPS * SUBGROUP;
const TILE_M: u32 = 2u * EDGE * FRAGMENTS_M;
const TILE_N: u32 = 2u * EDGE * FRAGMENTS_N;
const A_LOADS: u32 = TILE_M * TILE_K / 4u / THREADS;
const B_LOADS: u32 = TILE_N * TILE_K / 4u / THREADS;
const A_QUADS: u32 = select(TILE_K / 4u, TILE_M / 4u, TRANSPOSE_A); // vec4s of a row of the tile as it lies in memory
const B_QUADS: u32 = select(TILE_N / 4u, TILE_K / 4u, TRANSPOSE_B);
const A_PITCH: u32 = A_QUADS + 2u;
const B_PITCH: u32 = B_QUADS + 2u;
const A_SIZE: u32 = select(TILE_M, TILE_K, TRANSPOSE_A) * A_PITCH;
const B_SIZE: u32 = select(TILE_K, TILE_N, TRANSPOSE_B) * B_PITCH;
const C_QUADS: u32 = EDGE / 4u; // vec4s of a row of a matrix of sums
const C_PITCH: u32 = C_QUADS + 1u;
const C_SIZE: u32 = EDGE * C_PITCH;

struct Params {
    m: u32,
    n: u32,
    k: u32,
    batches: u32,
    a_stride: u32,
    b_stride: u32,
    tiles_m: u32, // ceil(M / TILE_M)
    tiles_n: u32, // ceil(N / TILE_N)
    workgroups: u32, // with work
    k_chunk: u32, // of K, summed by one split
    p0: f32,
    p1: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<vec4<Operand>>;
@group(0) @binding(2) var<storage, read> b: array<vec4<Operand>>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> residual: array<Output>;
@group(0) @binding(5) var<storage, read_write> c: array<vec4<Output>>;

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

fn a_by_columns(at: u32, pitch: u32) -> MatrixA {
    return coopLoad<MatrixA>(&a_tile[at], pitch);
}

fn b_by_rows(at: u32, pitch: u32) -> MatrixB {
    return coopLoadT<MatrixB>(&b_tile[at], pitch);
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

// Where vec4 number f of a tile is: x counts rows of memory, y vec4s along them.
fn place(f: u32, quads: u32) -> vec2<u32> {
    return vec2(f / quads, f % quads);
}

// Past the edge there are zeros, which add nothing to a sum.
fn next_of_a(f: u32, base: u32, row0: u32, k0: u32, k_end: u32) -> vec4<Operand> {
    let at = place(f, A_QUADS) * vec2(1u, 4u) + select(vec2(row0, k0), vec2(k0, row0), TRANSPOSE_A);
    let extent = select(vec2(params.m, k_end), vec2(k_end, params.m), TRANSPOSE_A);
    if (at.x >= extent.x || at.y >= extent.y) {
        return vec4<Operand>();
    }
    return a[(base + at.x * select(params.k, params.m, TRANSPOSE_A) + at.y) / 4u];
}

fn next_of_b(f: u32, base: u32, column0: u32, k0: u32, k_end: u32) -> vec4<Operand> {
    let at = place(f, B_QUADS) * vec2(1u, 4u) + select(vec2(k0, column0), vec2(column0, k0), TRANSPOSE_B);
    let extent = select(vec2(k_end, params.n), vec2(params.n, k_end), TRANSPOSE_B);
    if (at.x >= extent.x || at.y >= extent.y) {
        return vec4<Operand>();
    }
    return b[(base + at.x * select(params.n, params.k, TRANSPOSE_B) + at.y) / 4u];
}

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
    let a_base = batch * params.a_stride;
    let b_base = batch * params.b_stride;
    let subgroup = index / SUBGROUP;
    lane = index % SUBGROUP;
    let square_m = subgroup / 2u * FRAGMENTS_M * EDGE;
    let square_n = subgroup % 2u * FRAGMENTS_N * EDGE;

    var sum: array<MatrixC, FRAGMENTS_M * FRAGMENTS_N>;
    var next_a: array<vec4<Operand>, A_LOADS>;
    var next_b: array<vec4<Operand>, B_LOADS>;
    var side = 0u;
    // Iteration t stores tile t − 1 in workgroup memory, loads tile t and sums tile t − 1: one more than there are tiles.
    for (var k0 = first; k0 < last + TILE_K; k0 += TILE_K) {
        if (k0 > first) {
            // @unroll
            for (var i = 0u; i < A_LOADS; i++) {
                let at = place(i * THREADS + index, A_QUADS);
                keep_a(side * A_SIZE + at.x * A_PITCH + at.y, next_a[i]);
            }
            // @unroll
            for (var i = 0u; i < B_LOADS; i++) {
                let at = place(i * THREADS + index, B_QUADS);
                keep_b(side * B_SIZE + at.x * B_PITCH + at.y, next_b[i]);
            }
        }
        // The other side may still be read: it is written only after the next barrier.
        workgroupBarrier();
        if (k0 < last) {
            // @unroll
            for (var i = 0u; i < A_LOADS; i++) {
                next_a[i] = next_of_a(i * THREADS + index, a_base, row0, k0, last);
            }
            // @unroll
            for (var i = 0u; i < B_LOADS; i++) {
                next_b[i] = next_of_b(i * THREADS + index, b_base, column0, k0, last);
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
                let n = square_n + j * EDGE;
                if (TRANSPOSE_B) {
                    columns[j] = b_by_columns(side * B_SIZE + n * B_PITCH + k / 4u, B_PITCH);
                } else {
                    columns[j] = b_by_rows(side * B_SIZE + k * B_PITCH + n / 4u, B_PITCH);
                }
            }
            // @unroll
            for (var i = 0u; i < FRAGMENTS_M; i++) {
                let m = square_m + i * EDGE;
                var rows: MatrixA;
                if (TRANSPOSE_A) {
                    rows = a_by_columns(side * A_SIZE + k * A_PITCH + m / 4u, A_PITCH);
                } else {
                    rows = a_by_rows(side * A_SIZE + m * A_PITCH + k / 4u, A_PITCH);
                }
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
            let row = row0 + square_m + f / FRAGMENTS_N * EDGE + q / C_QUADS;
            let column = column0 + square_n + f % FRAGMENTS_N * EDGE + q % C_QUADS * 4u;
            if (id < params.workgroups && row < params.m && column < params.n) {
                var v = kept_c(subgroup * C_SIZE + q / C_QUADS * C_PITCH + q % C_QUADS);
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
                            c[(at + e) / 4u][(at + e) % 4u] = Output(v[e]);
                        }
                    }
                }
                if (VEC_C) {
                    c[at / 4u] = vec4<Output>(v);
                }
            }
        }
        workgroupBarrier();
    }
}

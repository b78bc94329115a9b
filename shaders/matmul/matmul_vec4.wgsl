// C[b] = unary(A[b] · B[b] + bias + residual[b]): step 4 of the ladder. The ideas it adds: memory is read four elements at a
// time, both workgroup memory and global; there are two of each tile, so that the next one is on its way while the sums go on, with
// one barrier to a step instead of two; and workgroups go over C in bands of GROUP_M tiles, column by column, so that those
// that run together share what the cache holds of A and B.
//
// Layouts: as matmul_naive; A's fastest extent (K, or M with TRANSPOSE_A), B's, and both strides are multiples of 4.
// Threads: 16 × 16 to a workgroup, which is one TILE_M × TILE_N piece of C. A thread has THREAD_M rows in blocks of four and
//   THREAD_N columns: blocks of four, or with TRANSPOSE_B every 16th, for the banks of the workgroup memory.
// Workgroup memory: 2 · (TILE_K · (TILE_M + TILE_N) + 2 · PAD · TILE_K) · 4 bytes, 16.5 KiB as it stands; a tile keeps the vec4s as they are in
//   memory: [four k][row] where they lie along K, [k][four rows] where they do not; a transpose is done in registers.
// Limits: 5 storage buffers, 256 threads, each of which loads whole vec4s: THREAD_M · TILE_K and THREAD_N · TILE_K are
//   multiples of 64; k_chunk is a multiple of 4 and < 65,535 · TILE_K.

enable f16;

alias Operand = f32; // @const type of A and B: f32 or f16
alias Output = f32; // @const type of C: that of the operands, or f32 for partial sums
const THREAD_M: u32 = 8u; // @const rows of a thread, a multiple of 4
const THREAD_N: u32 = 8u; // @const columns of a thread, a multiple of 4
const TILE_K: u32 = 8u; // @const step along K, a multiple of 4
const TRANSPOSE_A: bool = false; // @const A is stored [K, M]
const TRANSPOSE_B: bool = false; // @const B is stored [N, K]
const EDGES: bool = true; // @const false: TILE_M divides M, TILE_N N and TILE_K every part of K
const PAD: u32 = 4u; // @const vec4s after the rows of four k, 32 / TILE_K: the rows begin at other banks
const GROUP_M: u32 = 1u; // @const tiles of a band of C, downwards
const HAS_BIAS: bool = false; // @const add bias
const HAS_RESIDUAL: bool = false; // @const add residual, of the shape and layout of the result
const RESIDUAL_IN_PLACE: bool = false; // @const the residual is what the result's memory holds
const THREADS: u32 = 256u;
const TILE_M: u32 = 16u * THREAD_M;
const TILE_N: u32 = 16u * THREAD_N;
const ROW_QUADS: u32 = THREAD_M / 4u;
const COLUMN_QUADS: u32 = THREAD_N / 4u;
const K_QUADS: u32 = TILE_K / 4u;
const A_PITCH: u32 = TILE_M + PAD; // vec4s of four k
const B_PITCH: u32 = TILE_N + PAD;
const A_SIZE: u32 = A_PITCH * K_QUADS; // vec4s of a tile
const B_SIZE: u32 = B_PITCH * K_QUADS;
const A_LOADS: u32 = TILE_M * K_QUADS / THREADS;
const B_LOADS: u32 = TILE_N * K_QUADS / THREADS;

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

var<workgroup> a_tile: array<vec4<f32>, 2u * A_SIZE>;
var<workgroup> b_tile: array<vec4<f32>, 2u * B_SIZE>;

// @slot unary
fn unary(x: f32, p: vec2<f32>) -> f32 {
    return x;
}
// @end

// Of vec4 number f of a tile: its position along M or N, and its k. In memory it lies along K or not.
fn position(f: u32, tile: u32, along_k: bool) -> vec2<u32> {
    return select(vec2(f % (tile / 4u) * 4u, f / (tile / 4u)), vec2(f / K_QUADS, f % K_QUADS * 4u), along_k);
}

// Where it is kept.
fn place(f: u32, tile: u32, along_k: bool) -> u32 {
    return select(f + f / tile * PAD, f % K_QUADS * (tile + PAD) + f / K_QUADS, along_k);
}

// Past the edge there are zeros, which add nothing to a sum.
fn load_a(f: u32, base: u32, row0: u32, k0: u32, k_end: u32) -> vec4<f32> {
    let at = position(f, TILE_M, !TRANSPOSE_A) + vec2(row0, k0);
    if (EDGES && (at.x >= params.m || at.y >= k_end)) {
        return vec4<f32>();
    }
    return vec4<f32>(a[(base + select(at.x * params.k + at.y, at.y * params.m + at.x, TRANSPOSE_A)) / 4u]);
}

fn load_b(f: u32, base: u32, column0: u32, k0: u32, k_end: u32) -> vec4<f32> {
    let at = position(f, TILE_N, TRANSPOSE_B) + vec2(column0, k0);
    if (EDGES && (at.x >= params.n || at.y >= k_end)) {
        return vec4<f32>();
    }
    return vec4<f32>(b[(base + select(at.y * params.n + at.x, at.x * params.k + at.y, TRANSPOSE_B)) / 4u]);
}

@compute @workgroup_size(16, 16)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_id) thread: vec3<u32>,
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

    var sum: array<vec4<f32>, THREAD_M * COLUMN_QUADS>;
    var next_a: array<vec4<f32>, A_LOADS>;
    var next_b: array<vec4<f32>, B_LOADS>;
    var side = 0u;
    // Iteration t stores tile t − 1 in workgroup memory, loads tile t and sums tile t − 1: one more than there are tiles.
    for (var k0 = first; k0 < last + TILE_K; k0 += TILE_K) {
        let from_a = side * A_SIZE;
        let from_b = side * B_SIZE;
        if (k0 > first) {
            // @unroll
            for (var i = 0u; i < A_LOADS; i++) {
                a_tile[from_a + place(i * THREADS + index, TILE_M, !TRANSPOSE_A)] = next_a[i];
            }
            // @unroll
            for (var i = 0u; i < B_LOADS; i++) {
                b_tile[from_b + place(i * THREADS + index, TILE_N, TRANSPOSE_B)] = next_b[i];
            }
        }
        // The other side may still be read: it is written only after the next barrier.
        workgroupBarrier();
        if (k0 < last) {
            // @unroll
            for (var i = 0u; i < A_LOADS; i++) {
                next_a[i] = load_a(i * THREADS + index, a_base, row0, k0, last);
            }
            // @unroll
            for (var i = 0u; i < B_LOADS; i++) {
                next_b[i] = load_b(i * THREADS + index, b_base, column0, k0, last);
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
            if (TRANSPOSE_A) {
                // @unroll
                for (var g = 0u; g < ROW_QUADS; g++) {
                    let at = from_a + q * A_PITCH + g * 16u + thread.y;
                    let t = transpose(mat4x4(a_tile[at], a_tile[at + TILE_M / 4u], a_tile[at + TILE_M / 2u], a_tile[at + TILE_M / 4u * 3u]));
                    // @unroll
                    for (var i = 0u; i < 4u; i++) {
                        rows[g * 4u + i] = t[i];
                    }
                }
            } else {
                // @unroll
                for (var i = 0u; i < THREAD_M; i++) {
                    rows[i] = a_tile[from_a + q * A_PITCH + i / 4u * 64u + thread.y * 4u + i % 4u];
                }
            }
            if (TRANSPOSE_B) {
                // @unroll
                for (var g = 0u; g < COLUMN_QUADS; g++) {
                    let at = from_b + q * B_PITCH + g * 64u + thread.x;
                    columns[g] = transpose(mat4x4(b_tile[at], b_tile[at + 16u], b_tile[at + 32u], b_tile[at + 48u]));
                }
            } else {
                // @unroll
                for (var g = 0u; g < COLUMN_QUADS; g++) {
                    let at = from_b + q * B_PITCH + g * 16u + thread.x;
                    columns[g] = mat4x4(b_tile[at], b_tile[at + TILE_N / 4u], b_tile[at + TILE_N / 2u], b_tile[at + TILE_N / 4u * 3u]);
                }
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

    if (id >= params.workgroups) {
        return;
    }
    let p = vec2(params.p0, params.p1);
    // @unroll
    for (var g = 0u; g < COLUMN_QUADS; g++) {
        let column = column0 + g * 64u + select(thread.x * 4u, thread.x, TRANSPOSE_B);
        // A block of four lies within N or beyond it; with TRANSPOSE_B each column is for itself.
        if (!EDGES || column < params.n) {
            var add = vec4<f32>();
            // @unroll
            for (var j = 0u; j < 4u; j++) {
                if (HAS_BIAS && (!TRANSPOSE_B || !EDGES || column + j * 16u < params.n)) {
                    add[j] = bias[column + select(j, j * 16u, TRANSPOSE_B)];
                }
            }
            // @unroll
            for (var i = 0u; i < THREAD_M; i++) {
                let row = row0 + i / 4u * 64u + thread.y * 4u + i % 4u;
                if (!EDGES || row < params.m) {
                    let at = (slice * params.m + row) * params.n + column;
                    var s = sum[i * COLUMN_QUADS + g] + add;
                    if (HAS_RESIDUAL) {
                        // @unroll
                        for (var j = 0u; j < 4u; j++) {
                            let of_j = select(j, j * 16u, TRANSPOSE_B);
                            if (!TRANSPOSE_B || !EDGES || column + of_j < params.n) {
                                if RESIDUAL_IN_PLACE { s[j] += f32(c[(at + of_j) >> 2u][(at + of_j) & 3u]); } else { s[j] += f32(residual[at + of_j]); }
                            }
                        }
                    }
                    let v = vec4<Output>(vec4(unary(s.x, p), unary(s.y, p), unary(s.z, p), unary(s.w, p)));
                    if (TRANSPOSE_B) {
                        // @unroll
                        for (var j = 0u; j < 4u; j++) {
                            if (!EDGES || column + j * 16u < params.n) {
                                c[(at + j * 16u) / 4u][(at + j * 16u) % 4u] = v[j];
                            }
                        }
                    } else {
                        c[at / 4u] = v;
                    }
                }
            }
        }
    }
}

// C[b] = unary(A[b] · B[b] + bias + residual[b]): step 3 of the ladder. The idea it adds: a thread computes a square of C in registers, so
// that every element that it reads from workgroup memory serves THREAD sums instead of one.
//
// Layouts: as matmul_naive.
// Threads: 16 × 16 to a workgroup, which is one TILE_M × TILE_N piece of C; a thread has the rows y, y + 16, … and the columns
//   x, x + 16, … of it, so that neighbours read and write neighbours.
// Workgroup memory: TILE_K · (TILE_M + TILE_N + 2) · 4 bytes, 8.1 KiB as it stands; tiles are [k][row] and [k][column].
// Limits: 5 storage buffers, 256 threads; k_chunk < 65,535 · TILE_K.

enable f16;

alias Operand = f32; // @const type of A and B: f32 or f16
alias Output = f32; // @const type of C: that of the operands, or f32 for partial sums
const THREAD_M: u32 = 4u; // @const rows of a thread
const THREAD_N: u32 = 4u; // @const columns of a thread
const TILE_K: u32 = 16u; // @const step along K
const TRANSPOSE_A: bool = false; // @const A is stored [K, M]
const TRANSPOSE_B: bool = false; // @const B is stored [N, K]
const HAS_BIAS: bool = false; // @const add bias
const HAS_RESIDUAL: bool = false; // @const add residual, of the shape and layout of the result
const RESIDUAL_IN_PLACE: bool = false; // @const the residual is what the result's memory holds
const THREADS: u32 = 256u;
const TILE_M: u32 = 16u * THREAD_M;
const TILE_N: u32 = 16u * THREAD_N;
const PITCH_M: u32 = TILE_M + 1u;
const PITCH_N: u32 = TILE_N + 1u;
const A_LOADS: u32 = TILE_M * TILE_K / THREADS;
const B_LOADS: u32 = TILE_N * TILE_K / THREADS;

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
@group(0) @binding(1) var<storage, read> a: array<Operand>;
@group(0) @binding(2) var<storage, read> b: array<Operand>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> residual: array<Output>;
@group(0) @binding(5) var<storage, read_write> c: array<Output>;

var<workgroup> a_tile: array<f32, TILE_K * PITCH_M>;
var<workgroup> b_tile: array<f32, TILE_K * PITCH_N>;

// @slot unary
fn unary(x: f32, p: vec2<f32>) -> f32 {
    return x;
}
// @end

// Past the edge there are zeros, which add nothing to a sum.
fn load_a(base: u32, row: u32, k: u32, k_end: u32) -> f32 {
    if (row >= params.m || k >= k_end) {
        return 0.0;
    }
    return f32(a[base + select(row * params.k + k, k * params.m + row, TRANSPOSE_A)]);
}

fn load_b(base: u32, k: u32, column: u32, k_end: u32) -> f32 {
    if (column >= params.n || k >= k_end) {
        return 0.0;
    }
    return f32(b[base + select(k * params.n + column, column * params.k + k, TRANSPOSE_B)]);
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
    let slice = id / (params.tiles_n * params.tiles_m);
    let batch = slice % params.batches;
    let first = slice / params.batches * params.k_chunk;
    // A workgroup beyond the last one has nothing to sum, and still reaches its barriers.
    let last = select(0u, min(params.k, first + params.k_chunk), id < params.workgroups);

    var sum: array<f32, THREAD_M * THREAD_N>;
    for (var k0 = first; k0 < last; k0 += TILE_K) {
        // Neighbouring threads load neighbours in memory, whichever way the operand is stored.
        // @unroll
        for (var i = 0u; i < A_LOADS; i++) {
            let f = i * THREADS + index;
            let row = select(f / TILE_K, f % TILE_M, TRANSPOSE_A);
            let k = select(f % TILE_K, f / TILE_M, TRANSPOSE_A);
            a_tile[k * PITCH_M + row] = load_a(batch * params.a_stride, row0 + row, k0 + k, last);
        }
        // @unroll
        for (var i = 0u; i < B_LOADS; i++) {
            let f = i * THREADS + index;
            let column = select(f % TILE_N, f / TILE_K, TRANSPOSE_B);
            let k = select(f / TILE_N, f % TILE_K, TRANSPOSE_B);
            b_tile[k * PITCH_N + column] = load_b(batch * params.b_stride, k0 + k, column0 + column, last);
        }
        workgroupBarrier();
        for (var k = 0u; k < TILE_K; k++) {
            var row: array<f32, THREAD_M>;
            // @unroll
            for (var i = 0u; i < THREAD_M; i++) {
                row[i] = a_tile[k * PITCH_M + i * 16u + thread.y];
            }
            // @unroll
            for (var j = 0u; j < THREAD_N; j++) {
                let column = b_tile[k * PITCH_N + j * 16u + thread.x];
                // @unroll
                for (var i = 0u; i < THREAD_M; i++) {
                    sum[i * THREAD_N + j] += row[i] * column;
                }
            }
        }
        workgroupBarrier();
    }

    if (id >= params.workgroups) {
        return;
    }
    let p = vec2(params.p0, params.p1);
    // @unroll
    for (var j = 0u; j < THREAD_N; j++) {
        let column = column0 + j * 16u + thread.x;
        if (column < params.n) {
            var add = 0.0;
            if (HAS_BIAS) {
                add = bias[column];
            }
            // @unroll
            for (var i = 0u; i < THREAD_M; i++) {
                let row = row0 + i * 16u + thread.y;
                if (row < params.m) {
                    let at = (slice * params.m + row) * params.n + column;
                    var s = sum[i * THREAD_N + j] + add;
                    if (HAS_RESIDUAL) {
                        if RESIDUAL_IN_PLACE { s += f32(c[at]); } else { s += f32(residual[at]); }
                    }
                    c[at] = Output(unary(s, p));
                }
            }
        }
    }
}

// C[b] = unary(op(A[b]) · op(B[b]) + bias + residual[b]), fp32, for software Vulkan (lavapipe) and any device with
// subgroups of LANES.
//
// Layouts:  row-major. A is [M,K] ([K,M] with TRANSPOSE_A), B is [K,N] ([N,K] with TRANSPOSE_B), C is [M,N]
//           ([N,M] with TRANSPOSE_C). bias has N entries (M with TRANSPOSE_C, for swapped problems Cᵀ = Bᵀ·Aᵀ).
//           Batch b begins at b * a_stride, b * b_stride elements (0: shared by all batches), C[b] at b * M * N.
// Threads:  a workgroup is a subgroup and one tile of ROWS x 4*LANES outputs. Lane l owns the columns
//           4l .. 4l + 3, all ROWS rows of them in registers. For four k at a time a lane loads its
//           own columns of B and ROWS/LANES vec4 of A; a value of A reaches the other lanes by a shuffle from a
//           constant lane. No barrier, no workgroup memory.
// Why       llvmpipe turns a lane-varying load into scalar loads and a constant-lane shuffle into one register
//           broadcast, so every loaded value has to be used many times.
// Host      tiles_m = ceil(M / ROWS), tiles_n = ceil(N / (4*LANES)), groups = tiles_m*tiles_n*batches*splits.
//           splits = 1: k_chunk >= K. Else k_chunk % 4 == 0, splits = ceil(K / k_chunk), C is partial sums
//           [splits, batches, M, N] without bias and activation: then run matmul_split_k_reduce.wgsl.
//   VEC_A   A's inner extent (K, or M with TRANSPOSE_A) and a_stride are multiples of 4; else false.
//   VEC_B   the same for B (N, or K with TRANSPOSE_B) and b_stride. VEC_C the same for C's inner extent.
//   K_TAIL  true when K % 4 != 0.
//   ROWS    32 for large aligned products, 16 when M <= 16, tiles are fewer than 8 or a VEC_* is false (compile time), 8 or
//           4 for M <= 8 or 4. Always 4 or a multiple of 8.
//           N < 4*LANES and N < M: swap (A, M, TRANSPOSE_A <- B, N, !TRANSPOSE_B; B, N, TRANSPOSE_B <- A, M, !TRANSPOSE_A;
//           TRANSPOSE_C). Split K while groups < 8 and k_chunk stays >= 256.
//   Bound sizes are multiples of 16 bytes (pad). Bind any read-only buffer as a bias or residual that is not added.
// Limits:   k_chunk <= 262,140 (Mesa before 23 stops a shader after 65,535 loop iterations in all).

const ROWS: u32 = 16u; // @const rows of C per workgroup
const TRANSPOSE_A: bool = false; // @const A is stored [K,M]
const TRANSPOSE_B: bool = false; // @const B is stored [N,K]
const TRANSPOSE_C: bool = false; // @const C is stored [N,M]
const VEC_A: bool = false; // @const A may be read by vec4
const VEC_B: bool = false; // @const B may be read by vec4
const VEC_C: bool = false; // @const C may be written by vec4
const K_TAIL: bool = true; // @const K is not a multiple of 4
const HAS_BIAS: bool = false; // @const add bias
const HAS_RESIDUAL: bool = false; // @const add residual, of the shape and layout of the result
const RESIDUAL_IN_PLACE: bool = false; // @const the residual is what the result's memory holds
const LANES: u32 = 8u; // @const lanes of a subgroup: 4, 8 or 16
const A_LOADS: u32 = (ROWS + LANES - 1u) / LANES;
const QUADS: u32 = ROWS / 4u;

struct Params {
    m: u32, n: u32, k: u32, batches: u32,
    a_stride: u32, b_stride: u32,
    tiles_m: u32, tiles_n: u32, workgroups: u32, k_chunk: u32,
    p0: f32, p1: f32, // of the activation
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> b: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> residual: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> c: array<vec4<f32>>;

// @slot unary
fn unary(x: f32, p: vec2<f32>) -> f32 { return x; }
// @end

fn scalar_a(i: u32) -> f32 { return a[i >> 2u][i & 3u]; }
fn scalar_b(i: u32) -> f32 { return b[i >> 2u][i & 3u]; }
fn scalar_bias(i: u32) -> f32 { return bias[i >> 2u][i & 3u]; }

/// Elements i .. i + 3 of A. Past a row's end they belong to rows or columns of C that are not stored; past
/// the binding's end the index is clamped.
fn quad_a(i: u32) -> vec4<f32> {
    if VEC_A { return a[i >> 2u]; }
    let last = 4u * arrayLength(&a) - 1u;
    return vec4(scalar_a(i), scalar_a(min(i + 1u, last)), scalar_a(min(i + 2u, last)), scalar_a(min(i + 3u, last)));
}
fn quad_b(i: u32) -> vec4<f32> {
    if VEC_B { return b[i >> 2u]; }
    let last = 4u * arrayLength(&b) - 1u;
    return vec4(scalar_b(i), scalar_b(min(i + 1u, last)), scalar_b(min(i + 2u, last)), scalar_b(min(i + 3u, last)));
}
/// The bias of four columns (rows with TRANSPOSE_C).
fn quad_bias(i: u32, last: u32) -> vec4<f32> {
    if !HAS_BIAS { return vec4<f32>(); }
    return vec4(scalar_bias(min(i, last)), scalar_bias(min(i + 1u, last)), scalar_bias(min(i + 2u, last)), scalar_bias(min(i + 3u, last)));
}
/// Writes the activation of the first `count` of four consecutive elements of C (0 or 4 with VEC_C).
fn store(at: u32, x: vec4<f32>, count: u32) {
    let p = vec2(params.p0, params.p1);
    if VEC_C {
        if count > 0u {
            var v = x;
            if HAS_RESIDUAL { if RESIDUAL_IN_PLACE { v += c[at >> 2u]; } else { v += residual[at >> 2u]; } }
            c[at >> 2u] = vec4(unary(v.x, p), unary(v.y, p), unary(v.z, p), unary(v.w, p));
        }
        return;
    }
    // @unroll
    for (var j = 0u; j < 4u; j++) {
        if j < count {
            let i = at + j;
            var v = x[j];
            if HAS_RESIDUAL { if RESIDUAL_IN_PLACE { v += c[i >> 2u][i & 3u]; } else { v += residual[i >> 2u][i & 3u]; } }
            c[i >> 2u][i & 3u] = unary(v, p);
        }
    }
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(subgroup_invocation_id) lane: u32) {
    // A surplus group recomputes the last tile and stores nothing: cheaper here than a masked body.
    let id = wg.x + grid.x * (wg.y + grid.y * wg.z);
    let group = min(id, params.workgroups - 1u);
    let tile = group / params.tiles_m;
    let row0 = (group % params.tiles_m) * ROWS;
    let col0 = (tile % params.tiles_n) * (4u * LANES);
    let slice = tile / params.tiles_n;
    let batch = slice % params.batches;
    let k0 = (slice / params.batches) * params.k_chunk;
    let k1 = min(params.k, k0 + params.k_chunk);

    var acc: array<vec4<f32>, ROWS>;

    // Where this lane reads: element indices clamped into the matrix; surplus rows and columns are not stored.
    var a_at: array<u32, A_LOADS>;
    // @unroll
    for (var i = 0u; i < A_LOADS; i++) {
        let f = i * LANES + lane;
        a_at[i] = batch * params.a_stride + min(row0 + f, params.m - 1u) * params.k + k0;
        if TRANSPOSE_A {
            // lane f holds k = f / QUADS, rows 4 * (f % QUADS) .. + 3
            let row = min(row0 + 4u * (f % QUADS), params.m - 1u);
            a_at[i] = batch * params.a_stride + (k0 + min(f / QUADS, 3u)) * params.m + row;
        }
    }
    let col = col0 + 4u * lane;
    let b0 = batch * params.b_stride;
    var b_at: vec4<u32>;
    // @unroll
    for (var j = 0u; j < 4u; j++) {
        b_at[j] = b0 + select((k0 + j) * params.n + min(col, params.n - 1u), min(col + j, params.n - 1u) * params.k + k0, TRANSPOSE_B);
    }

    for (var k = k0 + 4u; k <= k1; k += 4u) {
        var av: array<vec4<f32>, A_LOADS>;
        // @unroll
        for (var i = 0u; i < A_LOADS; i++) {
            av[i] = quad_a(a_at[i]);
            a_at[i] += select(4u, 4u * params.m, TRANSPOSE_A);
        }
        var bv: mat4x4<f32>; // columns: four k, rows: this lane's four columns of B
        // @unroll
        for (var j = 0u; j < 4u; j++) {
            bv[j] = quad_b(b_at[j]);
        }
        b_at += select(4u * params.n, 4u, TRANSPOSE_B);
        if TRANSPOSE_B { bv = transpose(bv); }
        // @unroll
        for (var r = 0u; r < ROWS; r++) {
            var x = vec4<f32>();
            if TRANSPOSE_A {
                // @unroll
                for (var j = 0u; j < 4u; j++) {
                    x[j] = subgroupShuffle(av[(j * QUADS + r / 4u) / LANES][r % 4u], (j * QUADS + r / 4u) % LANES);
                }
            } else {
                x = subgroupShuffle(av[r / LANES], r % LANES);
            }
            acc[r] = acc[r] + x.x * bv[0] + x.y * bv[1] + x.z * bv[2] + x.w * bv[3];
        }
    }

    if K_TAIL {
        // The last one to three k, one at a time. Lane f holds row f of A.
        for (var k = k1 - (k1 - k0) % 4u; k < k1; k++) {
            var bv: vec4<f32>;
            // @unroll
            for (var j = 0u; j < 4u; j++) {
                let cj = min(col + j, params.n - 1u);
                bv[j] = scalar_b(b0 + select(k * params.n + cj, cj * params.k + k, TRANSPOSE_B));
            }
            // @unroll
            for (var i = 0u; i < A_LOADS; i++) {
                let row = min(row0 + i * LANES + lane, params.m - 1u);
                let x = scalar_a(batch * params.a_stride + select(row * params.k + k, k * params.m + row, TRANSPOSE_A));
                // @unroll
                for (var r = 0u; r < ROWS / A_LOADS; r++) {
                    acc[i * LANES + r] += subgroupShuffle(x, r) * bv;
                }
            }
        }
    }

    let inner = select(params.n, params.m, TRANSPOSE_C);
    let outer = select(select(params.m, params.n, TRANSPOSE_C), 0u, id >= params.workgroups);
    // A loop, because on software Vulkan a store is 2 KB of machine code. What it indexes is a copy, so that the sums above
    // are no array in memory; the shuffle tells llvmpipe that all lanes read the same element of it.
    var sums = acc;
    let used = (min(params.m, row0 + ROWS) - row0 + 3u) / 4u;
    var column_bias = vec4<f32>();
    if !TRANSPOSE_C { column_bias = quad_bias(col, inner - 1u); }
    for (var turn = 0u; turn < used; turn++) {
        let q = subgroupShuffle(turn, 0u);
        // Four rows by four columns, as four lines along C's inner extent.
        let row = row0 + 4u * q;
        var t = mat4x4(sums[4u * q], sums[4u * q + 1u], sums[4u * q + 2u], sums[4u * q + 3u]);
        if TRANSPOSE_C { t = transpose(t); }
        let at = select(col, row, TRANSPOSE_C);
        let line = select(row, col, TRANSPOSE_C);
        var add = column_bias;
        if TRANSPOSE_C { add = quad_bias(at, inner - 1u); }
        let count = min(4u, max(inner, at) - at);
        // @unroll
        for (var j = 0u; j < 4u; j++) {
            store((slice * outer + line + j) * inner + at, t[j] + add, select(0u, count, line + j < outer));
        }
    }
}

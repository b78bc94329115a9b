// C[b] = unary(A[b] · B[b] + bias + residual[b]): step 2 of the ladder. The idea it adds: a workgroup brings a TILE × TILE square of A
// and of B into workgroup memory once and reads each element TILE times from there.
//
// Layouts: as matmul_naive.
// Threads: a workgroup is one TILE × TILE square of C, a thread one element of it. Per step along K a thread loads one
//   element of each operand; neighbours load neighbours in memory, whichever way the operand is stored.
// Workgroup memory: 2 · TILE · (TILE + 1) · 4 bytes; the odd pitch keeps columns on different banks.
// Limits: 5 storage buffers, TILE² ≤ 256 threads; k_chunk < 65,535 · TILE.

const TILE: u32 = 16u; // @const edge of a square of C, and step along K
const TRANSPOSE_A: bool = false; // @const A is stored [K, M]
const TRANSPOSE_B: bool = false; // @const B is stored [N, K]
const HAS_BIAS: bool = false; // @const add bias
const HAS_RESIDUAL: bool = false; // @const add residual, of the shape and layout of the result
const RESIDUAL_IN_PLACE: bool = false; // @const the residual is what the result's memory holds
const PITCH: u32 = TILE + 1u;

struct Params {
    m: u32,
    n: u32,
    k: u32,
    batches: u32,
    a_stride: u32,
    b_stride: u32,
    tiles_m: u32, // ceil(M / TILE)
    tiles_n: u32, // ceil(N / TILE)
    workgroups: u32, // with work
    k_chunk: u32, // of K, summed by one split
    p0: f32,
    p1: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> residual: array<f32>;
@group(0) @binding(5) var<storage, read_write> c: array<f32>;

var<workgroup> a_tile: array<f32, TILE * PITCH>; // [row][k]
var<workgroup> b_tile: array<f32, TILE * PITCH>; // [k][column]

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
    return a[base + select(row * params.k + k, k * params.m + row, TRANSPOSE_A)];
}

fn load_b(base: u32, k: u32, column: u32, k_end: u32) -> f32 {
    if (column >= params.n || k >= k_end) {
        return 0.0;
    }
    return b[base + select(k * params.n + column, column * params.k + k, TRANSPOSE_B)];
}

@compute @workgroup_size(TILE, TILE)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_id) thread: vec3<u32>,
) {
    let id = group.x + grid.x * (group.y + grid.y * group.z);
    let tile_column = id % params.tiles_n;
    let tile_row = id / params.tiles_n % params.tiles_m;
    let slice = id / (params.tiles_n * params.tiles_m);
    let batch = slice % params.batches;
    let first = slice / params.batches * params.k_chunk;
    // A workgroup beyond the last one has nothing to sum, and still reaches its barriers.
    let last = select(0u, min(params.k, first + params.k_chunk), id < params.workgroups);

    let a_base = batch * params.a_stride;
    let b_base = batch * params.b_stride;
    let row0 = tile_row * TILE;
    let column0 = tile_column * TILE;
    var sum = 0.0;
    for (var k0 = first; k0 < last; k0 += TILE) {
        if (TRANSPOSE_A) {
            a_tile[thread.x * PITCH + thread.y] = load_a(a_base, row0 + thread.x, k0 + thread.y, last);
        } else {
            a_tile[thread.y * PITCH + thread.x] = load_a(a_base, row0 + thread.y, k0 + thread.x, last);
        }
        if (TRANSPOSE_B) {
            b_tile[thread.x * PITCH + thread.y] = load_b(b_base, k0 + thread.x, column0 + thread.y, last);
        } else {
            b_tile[thread.y * PITCH + thread.x] = load_b(b_base, k0 + thread.y, column0 + thread.x, last);
        }
        workgroupBarrier();
        // @unroll
        for (var k = 0u; k < TILE; k++) {
            sum += a_tile[thread.y * PITCH + k] * b_tile[k * PITCH + thread.x];
        }
        workgroupBarrier();
    }

    let row = row0 + thread.y;
    let column = column0 + thread.x;
    if (row >= params.m || column >= params.n || id >= params.workgroups) {
        return;
    }
    if (HAS_BIAS) {
        sum += bias[column];
    }
    let at = (slice * params.m + row) * params.n + column;
    if (HAS_RESIDUAL) {
        if RESIDUAL_IN_PLACE { sum += c[at]; } else { sum += residual[at]; }
    }
    c[at] = unary(sum, vec2(params.p0, params.p1));
}

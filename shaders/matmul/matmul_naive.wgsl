// C[b] = unary(A[b] · B[b] + bias + residual[b]): step 1 of the ladder, the definition written down. Every product reads both of its
// operands from memory.
//
// Layouts: row-major. A is [M, K] ([K, M] with TRANSPOSE_A), B is [K, N] ([N, K] with TRANSPOSE_B), C is [M, N], bias
//   has N entries. Batch b begins at b · a_stride, b · b_stride elements (0: one matrix for all), C[b] at b · M · N.
//   A and B are f32 or f16, C is what they are or, as partial sums, f32; sums and bias are f32.
//   With several splits, split s sums K from s · k_chunk on, and C is [splits, batches, M, N] of partial sums.
// Threads: one element of C each, neighbours along N.
// Limits: 5 storage buffers (any read-only buffer stands in for a bias or residual that is not added), no workgroup memory;
//   k_chunk < 65,535, where Mesa before 23 stops a loop.

enable f16;

alias Operand = f32; // @const type of A and B: f32 or f16
alias Output = f32; // @const type of C: that of the operands, or f32 for partial sums
const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const TRANSPOSE_A: bool = false; // @const A is stored [K, M]
const TRANSPOSE_B: bool = false; // @const B is stored [N, K]
const HAS_BIAS: bool = false; // @const add bias
const HAS_RESIDUAL: bool = false; // @const add residual, of the shape and layout of the result
const RESIDUAL_IN_PLACE: bool = false; // @const the residual is what the result's memory holds

struct Params {
    m: u32,
    n: u32,
    k: u32,
    batches: u32,
    a_stride: u32,
    b_stride: u32,
    tiles_m: u32, // ceil(M / rows of a tile); here M
    tiles_n: u32, // ceil(N / columns of a tile); here N
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

// @slot unary
fn unary(x: f32, p: vec2<f32>) -> f32 {
    return x;
}
// @end

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let i = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    let column = i % params.n;
    let row = i / params.n % params.m;
    let slice = i / (params.n * params.m);
    let batch = slice % params.batches;
    let first = slice / params.batches * params.k_chunk;
    if (first >= max(params.k, 1u)) {
        return;
    }
    let last = min(params.k, first + params.k_chunk);
    let a_step = select(1u, params.m, TRANSPOSE_A);
    let b_step = select(params.n, 1u, TRANSPOSE_B);
    var a_at = batch * params.a_stride + first * a_step + row * select(params.k, 1u, TRANSPOSE_A);
    var b_at = batch * params.b_stride + first * b_step + column * select(1u, params.k, TRANSPOSE_B);
    var sum = 0.0;
    for (var k = first; k < last; k++) {
        sum += f32(a[a_at]) * f32(b[b_at]);
        a_at += a_step;
        b_at += b_step;
    }
    if (HAS_BIAS) {
        sum += bias[column];
    }
    if (HAS_RESIDUAL) {
        if RESIDUAL_IN_PLACE { sum += f32(c[i]); } else { sum += f32(residual[i]); }
    }
    c[i] = Output(unary(sum, vec2(params.p0, params.p1)));
}

// C ← A · B + C of EDGE × EDGE matrices, again and again: the peak rate of cooperative matrices, f16 with f32 sums.
//
// CHAINS sums of a subgroup do not wait for each other. All of A is m and all of B is 1, from the uniform and from
// workgroup memory, so that nothing can be computed ahead; every element of every sum comes to EDGE · m · STEPS · rounds.
// An operation of one subgroup counts as 2 · EDGE³.
//
// Layouts: y has one element for each thread.
// Threads: subgroups of SUBGROUP threads, 4 to a workgroup; each has CHAINS sums.
// Limits: SHADER_F16, cooperative matrices of EDGE × EDGE f16 with f32 sums, 1 storage buffer, 5 KiB of workgroup memory;
//   rounds below 65,536.

enable f16;
enable wgpu_cooperative_matrix;

const SUBGROUP: u32 = 32u; // @const threads of a subgroup
const EDGE: u32 = 16u; // @const rows and columns of a matrix: 16 (Vulkan), or 8 (Metal) with the types for those
const CHAINS: u32 = 4u; // @const sums of a subgroup
const STEPS: u32 = 16u; // products of a sum in a round
const THREADS: u32 = 4u * SUBGROUP;

alias MatrixA = coop_mat16x16<f16, A>; // @const left factor
alias MatrixB = coop_mat16x16<f16, B>; // @const right factor
alias MatrixC = coop_mat16x16<f32, C>; // @const sums

struct Params {
    rounds: u32,
    m: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

// Of scalars: Metal loads matrices from no others.
var<workgroup> a_tile: array<f16, EDGE * EDGE>;
var<workgroup> b_tile: array<f16, EDGE * EDGE>;
var<workgroup> c_tile: array<f32, 4u * EDGE * EDGE>; // a matrix for each subgroup

@compute @workgroup_size(THREADS)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let t = (group.x + grid.x * (group.y + grid.y * group.z)) * THREADS + thread;
    for (var i = thread; i < EDGE * EDGE; i += THREADS) {
        a_tile[i] = f16(params.m);
        b_tile[i] = 1.0h;
    }
    workgroupBarrier();
    let a = coopLoadT<MatrixA>(&a_tile[0], EDGE);
    let b = coopLoadT<MatrixB>(&b_tile[0], EDGE);
    var c: array<MatrixC, CHAINS>;
    for (var round = 0u; round < params.rounds; round++) {
        // @unroll
        for (var step = 0u; step < STEPS; step++) {
            // @unroll
            for (var i = 0u; i < CHAINS; i++) {
                c[i] = coopMultiplyAdd(a, b, c[i]);
            }
        }
    }
    let at = thread / SUBGROUP * EDGE * EDGE;
    var sum = 0.0;
    // @unroll
    for (var i = 0u; i < CHAINS; i++) {
        coopStoreT(c[i], &c_tile[at], EDGE);
        workgroupBarrier();
        sum += c_tile[at + thread % SUBGROUP];
        workgroupBarrier();
    }
    if (t < arrayLength(&y)) {
        y[t] = sum;
    }
}

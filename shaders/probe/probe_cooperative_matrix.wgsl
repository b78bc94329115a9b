// C ← A · B + C of 16 × 16 matrices, again and again: the peak rate of cooperative matrices, f16 with f32 sums.
//
// CHAINS sums of a subgroup do not wait for each other. All of A is m and all of B is 1, from the uniform and from
// workgroup memory, so that nothing can be computed ahead; every element of every sum comes to 16 · m · STEPS · rounds.
// An operation of one subgroup counts as 2 · 16³.
//
// Layouts: y has one element for each thread.
// Threads: subgroups of SUBGROUP threads, 4 to a workgroup; each has CHAINS sums.
// Limits: SHADER_F16, cooperative matrices of 16 × 16 f16 with f32 sums, 1 storage buffer, 5 KiB of workgroup memory; rounds
//   below 65,536.

enable f16;
enable wgpu_cooperative_matrix;

const SUBGROUP: u32 = 32u; // @const threads of a subgroup
const CHAINS: u32 = 4u; // @const sums of a subgroup
const STEPS: u32 = 16u; // products of a sum in a round
const THREADS: u32 = 4u * SUBGROUP;

alias MatrixA = coop_mat16x16<f16, A>;
alias MatrixB = coop_mat16x16<f16, B>;
alias MatrixC = coop_mat16x16<f32, C>;

struct Params {
    rounds: u32,
    m: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

var<workgroup> a_tile: array<vec4<f16>, 64>;
var<workgroup> b_tile: array<vec4<f16>, 64>;
var<workgroup> c_tile: array<vec4<f32>, 256>; // 16 × 16 for each subgroup

@compute @workgroup_size(THREADS)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let t = (group.x + grid.x * (group.y + grid.y * group.z)) * THREADS + thread;
    if (thread < 64u) {
        a_tile[thread] = vec4(f16(params.m));
        b_tile[thread] = vec4(1.0h);
    }
    workgroupBarrier();
    let a = coopLoadT<MatrixA>(&a_tile[0], 4u);
    let b = coopLoadT<MatrixB>(&b_tile[0], 4u);
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
    var sum = c[0];
    // @unroll
    for (var i = 1u; i < CHAINS; i++) {
        sum = sum + c[i];
    }
    let subgroup = thread / SUBGROUP;
    coopStoreT(sum, &c_tile[subgroup * 64u], 4u);
    workgroupBarrier();
    if (t < arrayLength(&y)) {
        y[t] = c_tile[subgroup * 64u + thread % SUBGROUP].x;
    }
}

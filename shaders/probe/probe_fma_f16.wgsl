// a ← a · m + b, again and again: the peak rate of multiply-adds in f16.
//
// CHAINS accumulators of four do not wait for each other, so that the arithmetic's latency is hidden; m and b are the
// same for all threads and come from the uniform, so that nothing can be computed ahead. The sum of all is stored.
//
// Layouts: y has one element for each thread.
// Threads: one chain of STEPS · rounds multiply-adds in each of 4 · CHAINS accumulators.
// Limits: SHADER_F16, 1 storage buffer, no workgroup memory; rounds below 65,536 (Mesa before 23 ends longer loops).

enable f16;

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const CHAINS: u32 = 4u; // @const accumulators, each a vec4
const FUSED: bool = true; // @const fma(), else a multiplication and an addition that the driver may fuse
const STEPS: u32 = 16u; // multiply-adds of an accumulator in a round

struct Params {
    rounds: u32,
    m: f32,
    b: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let t = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    let m = vec4(f16(params.m));
    let b = vec4(f16(params.b));
    var a: array<vec4<f16>, CHAINS>;
    // @unroll
    for (var c = 0u; c < CHAINS; c++) {
        a[c] = vec4(f16(thread), f16(c), f16(thread) + 0.5h, f16(c) + 0.5h);
    }
    for (var round = 0u; round < params.rounds; round++) {
        // @unroll
        for (var step = 0u; step < STEPS; step++) {
            // @unroll
            for (var c = 0u; c < CHAINS; c++) {
                if (FUSED) {
                    a[c] = fma(a[c], m, b);
                } else {
                    a[c] = a[c] * m + b;
                }
            }
        }
    }
    var sum = vec4(0.0h);
    // @unroll
    for (var c = 0u; c < CHAINS; c++) {
        sum += a[c];
    }
    if (t < arrayLength(&y)) {
        y[t] = f32(sum.x) + f32(sum.y) + f32(sum.z) + f32(sum.w);
    }
}

// a ← dot4I8Packed(a, m) + a, again and again: the peak rate of int8 products of four.
//
// The accumulator is also the packed operand, so that no product can be moved out of the loop. A product of four and
// the addition count as 8 operations.
//
// Layouts: y has one element for each thread.
// Threads: one chain of STEPS · rounds products in each of CHAINS accumulators.
// Limits: 1 storage buffer, no workgroup memory; rounds below 65,536 (Mesa before 23 ends longer loops).

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const CHAINS: u32 = 8u; // @const accumulators
const STEPS: u32 = 16u; // products of an accumulator in a round

struct Params {
    rounds: u32,
    m: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> y: array<i32>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let t = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    var a: array<i32, CHAINS>;
    // @unroll
    for (var c = 0u; c < CHAINS; c++) {
        a[c] = i32(thread * CHAINS + c);
    }
    for (var round = 0u; round < params.rounds; round++) {
        // @unroll
        for (var step = 0u; step < STEPS; step++) {
            // @unroll
            for (var c = 0u; c < CHAINS; c++) {
                a[c] = dot4I8Packed(u32(a[c]), params.m) + a[c];
            }
        }
    }
    var sum = 0;
    // @unroll
    for (var c = 0u; c < CHAINS; c++) {
        sum += a[c];
    }
    if (t < arrayLength(&y)) {
        y[t] = sum;
    }
}

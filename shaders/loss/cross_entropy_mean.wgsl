// y = sums[0] / sums[1]: the sum of the losses over the sum of the weights that count. Of nothing it is NaN.
//
// Threads: the first of one workgroup.
// Limits: 2 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup

struct Params {
    not_a_number: u32, // its bits: a constant NaN is no valid WGSL
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> sums: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>; // the bits of f32, so that NaN is plain data

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) thread: vec3<u32>) {
    if (any(thread != vec3(0u))) {
        return;
    }
    // Not left to 0 / 0, which an implementation may assume not to happen.
    if (sums[0] == 0.0 && sums[1] == 0.0) {
        y[0] = params.not_a_number;
    } else {
        y[0] = bitcast<u32>(sums[0] / sums[1]);
    }
}

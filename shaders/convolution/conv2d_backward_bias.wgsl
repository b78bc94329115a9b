// partials[s, o] = Σ grad_y[pixel, o] over the pixels number s · chunk … (s + 1) · chunk − 1 of a channels-last gradient:
// the gradient of a convolution's bias, in parts that matmul_split_k_reduce adds up in a fixed order.
//
// Layouts: grad_y is [pixels, O] row-major (N H W C in memory), partials is [splits, O].
// Threads: one element of partials each, neighbours along O.
// Limits: 2 storage buffers, no workgroup memory; chunk < 65,535, where Mesa before 23 stops a loop.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup

struct Params {
    pixels: u32,
    outputs: u32,
    chunk: u32,
    count: u32, // splits · O
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> grad_y: array<f32>;
@group(0) @binding(2) var<storage, read_write> partials: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let i = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    if (i >= params.count) {
        return;
    }
    let output = i % params.outputs;
    let first = i / params.outputs * params.chunk;
    let last = min(first + params.chunk, params.pixels);
    var sum = 0.0;
    for (var pixel = first; pixel < last; pixel++) {
        sum += grad_y[pixel * params.outputs + output];
    }
    partials[i] = sum;
}

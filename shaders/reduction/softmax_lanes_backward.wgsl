// grad_x[i] = f(y[i], grad_y[i], Σ of the line), f from the slot: y · (grad_y − Σ grad_y · y) for a softmax, and
// grad_y − exp(y) · Σ grad_y for its logarithm. One pass over the line adds up, a second, which finds it in the cache,
// writes.
//
// Layouts: y, grad_y and grad_x are lines of `quads` vec4s, one behind the other.
// Threads: a subgroup of LANES for each line, which adds up its lanes' sums, without workgroup memory or barrier.
// Limits: 3 storage buffers, no workgroup memory; subgroups of exactly LANES lanes (software Vulkan); 2 · quads / LANES
//   < 65,536, which is as far as some drivers loop.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 8u; // @const threads of a subgroup
const WEIGHTED: bool = true; // @const whether grad_y is weighted by y in the sum: a softmax, not its logarithm

struct Params {
    lines: u32,
    quads: u32, // vec4s of a line
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> y: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> grad_y: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> grad_x: array<vec4<f32>>;

// @slot softmax_gradient
fn softmax_gradient(y: f32, grad_y: f32, sum: f32) -> f32 {
    return y * (grad_y - sum);
}
// @end

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let line = (group.x + grid.x * (group.y + grid.y * group.z)) * (WORKGROUP / LANES) + thread / LANES;
    if (line >= params.lines) {
        return;
    }
    let start = line * params.quads + thread % LANES;
    let end = (line + 1u) * params.quads;
    var sums = vec4(0.0);
    for (var i = start; i < end; i += LANES) {
        if (WEIGHTED) {
            sums += grad_y[i] * y[i];
        } else {
            sums += grad_y[i];
        }
    }
    let sum = subgroupAdd((sums.x + sums.y) + (sums.z + sums.w));
    for (var k = start; k < end; k += LANES) {
        let v = y[k];
        let g = grad_y[k];
        grad_x[k] = vec4(
            softmax_gradient(v.x, g.x, sum),
            softmax_gradient(v.y, g.y, sum),
            softmax_gradient(v.z, g.z, sum),
            softmax_gradient(v.w, g.w, sum),
        );
    }
}

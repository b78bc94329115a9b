// y[i] = (clamp(round(x[i] / scale) + zero_point, low, high) − zero_point) · scale, half to even: what quantize and dequantize do
// one after the other. A NaN stays one.
//
// Layouts: any; x and y have the same one. Scale and zero point are of index i / inner % channels of an axis, where that has
//   numbers of its own, else of index 0.
// Threads: VECTORS vec4s each, LANES apart; workgroups are folded over the grid's axes.
// Limits: 4 storage buffers, no workgroup memory. Ends and zero points are whole numbers that f32 holds. Divided, not multiplied by an
//   inverse, as quantize divides.
// Source: Jacob et al., arXiv 1712.05877, §3.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 32u; // @const distance of a thread's vec4s: threads of a subgroup stay together
const VECTORS: u32 = 1u; // @const vec4s of a thread
const CHANNELS: bool = false; // @const an axis has scales of its own

struct Params {
    count: u32, // vec4s
    inner: u32, // distance of neighbours along the axis
    channels: u32, // extent of the axis
    pad0: u32,
    low: f32,
    high: f32,
    pad1: u32,
    pad2: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> scale: array<f32>;
@group(0) @binding(3) var<storage, read> zero_point: array<i32>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4<f32>>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let t = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    let begin = t / LANES * (LANES * VECTORS) + t % LANES;
    let end = min(begin + LANES * VECTORS, params.count);
    for (var i = begin; i < end; i += LANES) {
        var by = vec4(scale[0]);
        var zero = vec4(f32(zero_point[0]));
        if (CHANNELS) {
            let at = (vec4(4u * i) + vec4(0u, 1u, 2u, 3u)) / params.inner % params.channels;
            by = vec4(scale[at.x], scale[at.y], scale[at.z], scale[at.w]);
            zero = vec4<f32>(vec4(zero_point[at.x], zero_point[at.y], zero_point[at.z], zero_point[at.w]));
        }
        // Comparisons are false for a NaN, which so stays.
        var step = round(x[i] / by) + zero;
        step = select(step, vec4(params.low), step < vec4(params.low));
        step = select(step, vec4(params.high), step > vec4(params.high));
        y[i] = (step - zero) * by;
    }
}

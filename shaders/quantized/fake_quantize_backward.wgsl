// With q = round(x[i] / scale) + zero_point, half to even:
//   grad_x[i] = grad_y[i] where low ≤ q ≤ high, else 0: the rounding is passed straight through.
//   grad_scale[i] = grad_y[i] · factor · (q − zero_point − x[i] / scale) there, and elsewhere grad_y[i] · factor · (end − zero_point) of
//   the end that q is beyond. What belongs to one scale is summed afterwards.
//
// Layouts: any; x, grad_y, grad_x and grad_scale have the same one. Scale and zero point are of index i / inner % channels of an axis,
//   where that has numbers of its own, else of index 0.
// Threads: VECTORS vec4s each, LANES apart; workgroups are folded over the grid's axes.
// Limits: 6 storage buffers, no workgroup memory. Ends and zero points are whole numbers that f32 holds.
// Source: Esser et al., Learned step size quantization, arXiv 1902.08153, eq. 3.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 32u; // @const distance of a thread's vec4s: threads of a subgroup stay together
const VECTORS: u32 = 1u; // @const vec4s of a thread
const CHANNELS: bool = false; // @const an axis has scales of its own
const WRITE_X: bool = true; // @const whether grad_x is wanted
const WRITE_SCALE: bool = true; // @const whether grad_scale is wanted

struct Params {
    count: u32, // vec4s
    inner: u32, // distance of neighbours along the axis
    channels: u32, // extent of the axis
    factor: f32,
    low: f32,
    high: f32,
    pad0: u32,
    pad1: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> scale: array<f32>;
@group(0) @binding(3) var<storage, read> zero_point: array<i32>;
@group(0) @binding(4) var<storage, read> grad_y: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> grad_x: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> grad_scale: array<vec4<f32>>;

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
        let steps = x[i] / by;
        let rounded = round(steps);
        let below = rounded + zero < vec4(params.low);
        let above = rounded + zero > vec4(params.high);
        if (WRITE_X) {
            // A NaN is inside nothing.
            let inside = (rounded + zero >= vec4(params.low)) & (rounded + zero <= vec4(params.high));
            grad_x[i] = select(vec4(0.0), grad_y[i], inside);
        }
        if (WRITE_SCALE) {
            var slope = rounded - steps;
            slope = select(slope, vec4(params.low) - zero, below);
            slope = select(slope, vec4(params.high) - zero, above);
            grad_scale[i] = grad_y[i] * (params.factor * slope);
        }
    }
}

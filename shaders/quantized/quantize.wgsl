// y[i] = clamp(round(x[i] / scale) + zero_point, low, high), half to even: ONNX's QuantizeLinear. NaN becomes low, as ONNX
// Runtime has it.
//
// Layouts: any; x and y have the same one, four bytes of y in a word. Scale and zero point are of index i / inner % channels of
//   an axis, where that has numbers of its own, else of index 0.
// Threads: VECTORS words of y each, LANES apart, a vec4 of x for each; workgroups are folded over the grid's axes.
// Limits: 4 storage buffers, no workgroup memory. Divided, not multiplied by an inverse: 12.65 at a scale of 0.1 is 127 only so.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 32u; // @const distance of a thread's words: threads of a subgroup stay together
const VECTORS: u32 = 1u; // @const words of a thread
const CHANNELS: bool = false; // @const an axis has scales of its own

struct Params {
    count: u32, // words of y
    inner: u32, // distance of neighbours along the axis
    channels: u32, // extent of the axis
    low: i32,
    high: i32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> scale: array<f32>;
@group(0) @binding(3) var<storage, read> zero_point: array<i32>;
@group(0) @binding(4) var<storage, read_write> y: array<u32>;

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
        let v = x[i];
        var by = vec4(scale[0]);
        var zero = vec4(zero_point[0]);
        if (CHANNELS) {
            let at = (vec4(4u * i) + vec4(0u, 1u, 2u, 3u)) / params.inner % params.channels;
            by = vec4(scale[at.x], scale[at.y], scale[at.z], scale[at.w]);
            zero = vec4(zero_point[at.x], zero_point[at.y], zero_point[at.z], zero_point[at.w]);
        }
        // Beyond any byte, but within what an i32 is sure to hold.
        let steps = clamp(round(v / by), vec4(-65536.0), vec4(65536.0));
        let is_nan = (bitcast<vec4<u32>>(v) & vec4(0x7fffffffu)) > vec4(0x7f800000u);
        let number = select(clamp(vec4<i32>(steps) + zero, vec4(params.low), vec4(params.high)), vec4(params.low), is_nan);
        let b = bitcast<vec4<u32>>(number) & vec4(255u);
        y[i] = b.x | (b.y << 8u) | (b.z << 16u) | (b.w << 24u);
    }
}

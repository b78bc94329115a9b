// y[i] = (x[i] - zero_point) * scale: ONNX's DequantizeLinear.
//
// Layouts: any; x and y have the same one. x are bytes, four in a word, or with WORDS i32. Scale and zero point are of index
//   i / inner % channels of an axis, where that has numbers of its own, else of index 0.
// Threads: VECTORS vec4s of y each, LANES apart; workgroups are folded over the grid's axes.
// Limits: 4 storage buffers, no workgroup memory. A difference beyond 32 bits wraps.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 32u; // @const distance of a thread's words: threads of a subgroup stay together
const VECTORS: u32 = 1u; // @const words of a thread
const CHANNELS: bool = false; // @const an axis has scales of its own
const WORDS: bool = false; // @const x is i32
const SIGNED: bool = true; // @const bytes have a sign

struct Params {
    count: u32, // vec4s of y
    inner: u32, // distance of neighbours along the axis
    channels: u32, // extent of the axis
    pad: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read> scale: array<f32>;
@group(0) @binding(3) var<storage, read> zero_point: array<i32>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4<f32>>;

/// The four bytes of a word.
fn bytes(word: u32, is_signed: bool) -> vec4<i32> {
    let high = vec4(word) << vec4(24u, 16u, 8u, 0u);
    return select(bitcast<vec4<i32>>(high >> vec4(24u)), bitcast<vec4<i32>>(high) >> vec4(24u), is_signed);
}

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
        var number: vec4<i32>;
        if (WORDS) {
            number = bitcast<vec4<i32>>(vec4(x[4u * i], x[4u * i + 1u], x[4u * i + 2u], x[4u * i + 3u]));
        } else {
            number = bytes(x[i], SIGNED);
        }
        var by = vec4(scale[0]);
        var zero = vec4(zero_point[0]);
        if (CHANNELS) {
            let at = (vec4(4u * i) + vec4(0u, 1u, 2u, 3u)) / params.inner % params.channels;
            by = vec4(scale[at.x], scale[at.y], scale[at.z], scale[at.w]);
            zero = vec4(zero_point[at.x], zero_point[at.y], zero_point[at.z], zero_point[at.w]);
        }
        y[i] = vec4<f32>(number - zero) * by;
    }
}

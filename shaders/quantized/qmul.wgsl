// y[i] = clamp(round(((a[i] - a_zero) * (b[i] - b_zero)) * multiplier) + y_zero, low, high) of bytes, half to even.
//
// Layouts: any; a, b and y have the same one, four bytes in a word.
// Threads: VECTORS words each, LANES apart; workgroups are folded over the grid's axes.
// Limits: 3 storage buffers, no workgroup memory. Products stay below 2^16, which f32 holds exactly.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 32u; // @const distance of a thread's words: threads of a subgroup stay together
const VECTORS: u32 = 1u; // @const words of a thread
const A_SIGNED: bool = true; // @const a is i8, not u8
const B_SIGNED: bool = true; // @const b is i8, not u8

struct Params {
    count: u32, // words
    a_zero: i32,
    b_zero: i32,
    multiplier: f32,
    y_zero: i32,
    low: i32,
    high: i32,
    pad0: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<u32>;
@group(0) @binding(2) var<storage, read> b: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<u32>;

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
        let product = (bytes(a[i], A_SIGNED) - params.a_zero) * (bytes(b[i], B_SIGNED) - params.b_zero);
        // Beyond any byte, but within what an i32 is sure to hold.
        let steps = clamp(round(vec4<f32>(product) * params.multiplier), vec4(-65536.0), vec4(65536.0));
        let number = clamp(vec4<i32>(steps) + params.y_zero, vec4(params.low), vec4(params.high));
        let b = bitcast<vec4<u32>>(number) & vec4(255u);
        y[i] = b.x | (b.y << 8u) | (b.z << 16u) | (b.w << 24u);
    }
}

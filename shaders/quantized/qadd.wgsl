// y[i] = clamp(round((a[i] - a_zero) * a_multiplier + (b[i] - b_zero) * b_multiplier) + y_zero, low, high) of bytes, half to even.
// Both terms are rounded to 2^-16 before they are added, in integers: no device can make one operation of a product and the sum.
//
// Layouts: any; a, b and y have the same one, four bytes in a word.
// Threads: VECTORS words each, LANES apart; workgroups are folded over the grid's axes.
// Limits: 3 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 32u; // @const distance of a thread's words: threads of a subgroup stay together
const VECTORS: u32 = 1u; // @const words of a thread
const A_SIGNED: bool = true; // @const a is i8, not u8
const B_SIGNED: bool = true; // @const b is i8, not u8

struct Params {
    count: u32, // words
    a_zero: i32,
    b_zero: i32,
    a_multiplier: f32,
    b_multiplier: f32,
    y_zero: i32,
    low: f32, // of the result, less its zero point
    high: f32,
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

/// Terms in fractions of a step (2^-16).
fn fractions(numbers: vec4<i32>, multiplier: vec4<f32>) -> vec4<i32> {
    return vec4<i32>(round(clamp(vec4<f32>(numbers) * multiplier, vec4(-8192.0), vec4(8192.0)) * 65536.0));
}

/// Four numbers within the limits, less the zero point, as bytes in a word.
fn packed(numbers: vec4<i32>) -> u32 {
    let b = bitcast<vec4<u32>>(numbers + params.y_zero) & vec4(255u);
    return b.x | (b.y << 8u) | (b.z << 16u) | (b.w << 24u);
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
        let all = fractions(bytes(a[i], A_SIGNED) - params.a_zero, vec4(params.a_multiplier))
            + fractions(bytes(b[i], B_SIGNED) - params.b_zero, vec4(params.b_multiplier));
        // Half to even.
        let below = all >> vec4(16u);
        let rest = all & vec4(0xffff);
        let up = (rest > vec4(0x8000)) | ((rest == vec4(0x8000)) & ((below & vec4(1)) == vec4(1)));
        let whole = below + select(vec4(0), vec4(1), up);
        y[i] = packed(clamp(whole, vec4(i32(params.low)), vec4(i32(params.high))));
    }
}

// Eight numbers as four 64-bit words: llvmpipe checks the end of a buffer once for each lane and word.
alias Run = vec4<u64>;
const VEC4S: u32 = 2u;

fn numbers(r: Run) -> array<vec4<f32>, VEC4S> {
    return array<vec4<f32>, VEC4S>(
        bitcast<vec4<f32>>(vec4(u32(r.x), u32(r.x >> 32u), u32(r.y), u32(r.y >> 32u))),
        bitcast<vec4<f32>>(vec4(u32(r.z), u32(r.z >> 32u), u32(r.w), u32(r.w >> 32u))),
    );
}

fn run(v: array<vec4<f32>, VEC4S>) -> Run {
    let a = bitcast<vec4<u32>>(v[0]);
    let b = bitcast<vec4<u32>>(v[1]);
    return vec4(
        u64(a.x) | (u64(a.y) << 32u),
        u64(a.z) | (u64(a.w) << 32u),
        u64(b.x) | (u64(b.y) << 32u),
        u64(b.z) | (u64(b.w) << 32u),
    );
}

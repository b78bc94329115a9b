// Four numbers as two 64-bit words: llvmpipe checks the end of a buffer once for each lane and word.
alias Words = vec2<u64>;

fn numbers(w: Words) -> vec4<f32> {
    return bitcast<vec4<f32>>(vec4(u32(w.x), u32(w.x >> 32u), u32(w.y), u32(w.y >> 32u)));
}

fn words(v: vec4<f32>) -> Words {
    let u = bitcast<vec4<u32>>(v);
    return vec2(u64(u.x) | (u64(u.y) << 32u), u64(u.z) | (u64(u.w) << 32u));
}

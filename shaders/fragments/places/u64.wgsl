// Four indices as two 64-bit words: llvmpipe checks the end of a buffer once for each lane and word.
alias Places = vec2<u64>;

fn indexed(p: Places) -> vec4<i32> {
    return bitcast<vec4<i32>>(vec4(u32(p.x), u32(p.x >> 32u), u32(p.y), u32(p.y >> 32u)));
}

fn places(i: vec4<i32>) -> Places {
    let u = bitcast<vec4<u32>>(i);
    return vec2(u64(u.x) | (u64(u.y) << 32u), u64(u.z) | (u64(u.w) << 32u));
}

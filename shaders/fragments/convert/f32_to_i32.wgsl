// f32 to i32 in integer operations on whole vectors, NaN to 0: llvmpipe's own conversion saturates one lane at a time.
fn convert(v: vec4<FROM>) -> vec4<TO> {
    let bits = bitcast<vec4<u32>>(v);
    let size = bits & vec4(0x7fffffffu);
    let exponent = size >> vec4(23u);
    // 1.m · 2^31, whose integer part remains of it. From 2^31 on it does not fit; a NaN is larger than infinity.
    let whole = ((bits << vec4(8u)) | vec4(0x80000000u)) >> ((vec4(158u) - exponent) & vec4(31u));
    let sign = vec4<u32>(bitcast<vec4<i32>>(bits) >> vec4(31u));
    let small = select((whole ^ sign) - sign, vec4(0u), exponent < vec4(127u));
    let large = select(vec4(0x7fffffffu) ^ sign, vec4(0u), size > vec4(0x7f800000u));
    return bitcast<vec4<TO>>(select(small, large, exponent > vec4(157u)));
}

// f32 to i32 by its bits: towards zero, and −2^31 for what does not fit and for NaN. Drivers' own conversions differ there,
// and llvmpipe's takes one lane at a time.
fn convert(v: vec4<FROM>) -> vec4<TO> {
    let bits = bitcast<vec4<u32>>(v);
    let exponent = (bits & vec4(0x7fffffffu)) >> vec4(23u);
    // 1.m · 2^31, whose integer part remains of it. From 2^31 on it does not fit, and the exponent of a NaN is largest.
    let whole = ((bits << vec4(8u)) | vec4(0x80000000u)) >> ((vec4(158u) - exponent) & vec4(31u));
    let sign = vec4<u32>(bitcast<vec4<i32>>(bits) >> vec4(31u));
    let small = select((whole ^ sign) - sign, vec4(0u), exponent < vec4(127u));
    return bitcast<vec4<TO>>(select(small, vec4(0x80000000u), exponent > vec4(157u)));
}

// f32 to u32 by its bits: towards zero and modulo 2^32, as by way of 64 bits; 0 from 2^63 on and for NaN. Drivers' own
// conversions differ there, and llvmpipe's takes one lane at a time.
fn convert(v: vec4<FROM>) -> vec4<TO> {
    let bits = bitcast<vec4<u32>>(v);
    let exponent = (bits & vec4(0x7fffffffu)) >> vec4(23u);
    let digits = (bits << vec4(8u)) | vec4(0x80000000u);
    // 1.m · 2^31, down to its integer part below 2^32, and up from there; all is gone from 2^64 on.
    let down = select(digits >> ((vec4(158u) - exponent) & vec4(31u)), vec4(0u), exponent < vec4(127u));
    let up = select(digits << ((exponent - vec4(158u)) & vec4(31u)), vec4(0u), exponent > vec4(189u));
    let whole = select(down, up, exponent > vec4(158u));
    let sign = vec4<u32>(bitcast<vec4<i32>>(bits) >> vec4(31u));
    return bitcast<vec4<TO>>((whole ^ sign) - sign);
}

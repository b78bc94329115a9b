fn binary(a: f32, b: f32) -> f32 {
    let by = bitcast<u32>(b);
    return bitcast<f32>(select(0u, bitcast<u32>(a) << (by & 31u), by < 32u));
}

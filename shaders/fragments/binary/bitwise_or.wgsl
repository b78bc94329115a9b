fn binary(a: f32, b: f32) -> f32 {
    return bitcast<f32>(bitcast<u32>(a) | bitcast<u32>(b));
}

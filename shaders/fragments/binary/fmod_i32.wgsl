// The bits are those of i32. WGSL cuts towards zero and gives 0 for a % 0.
fn binary(a: f32, b: f32) -> f32 {
    return bitcast<f32>(bitcast<i32>(a) % bitcast<i32>(b));
}

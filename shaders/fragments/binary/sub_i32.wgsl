// The bits are those of i32; what leaves them wraps.
fn binary(a: f32, b: f32) -> f32 {
    return bitcast<f32>(bitcast<i32>(a) - bitcast<i32>(b));
}

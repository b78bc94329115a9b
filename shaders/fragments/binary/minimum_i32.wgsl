// The bits are those of i32.
fn binary(a: f32, b: f32) -> f32 {
    return bitcast<f32>(min(bitcast<i32>(a), bitcast<i32>(b)));
}

// The bits are those of i32; the result is a number.
fn binary(a: f32, b: f32) -> f32 {
    return select(0.0, 1.0, bitcast<i32>(a) < bitcast<i32>(b));
}

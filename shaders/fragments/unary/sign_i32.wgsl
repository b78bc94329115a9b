// The bits are those of i32.
fn unary(x: f32, p: vec2<f32>) -> f32 {
    return bitcast<f32>(sign(bitcast<i32>(x)));
}

fn unary(x: f32, p: vec2<f32>) -> f32 {
    // Not clamp, which turns a NaN into a number.
    return select(select(x, 6.0, x >= 6.0), 0.0, x <= 0.0);
}

fn unary(x: f32, p: vec2<f32>) -> f32 {
    // Not clamp, which turns a NaN into a number.
    return select(select(x, p.y, x >= p.y), p.x, x <= p.x);
}

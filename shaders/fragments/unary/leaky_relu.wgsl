fn unary(x: f32, p: vec2<f32>) -> f32 {
    return select(p.x * x, x, x > 0.0);
}

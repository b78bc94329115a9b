fn unary(x: f32, p: vec2<f32>) -> f32 {
    return select(x, 0.0, x <= p.x);
}

fn unary(x: f32, p: vec2<f32>) -> f32 {
    return select(select(select(x, 0.0, abs(x) <= p.y), x - p.x, x > p.y), x + p.x, x < -p.y);
}

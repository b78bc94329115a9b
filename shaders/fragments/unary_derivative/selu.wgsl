fn unary_derivative(x: f32, p: vec2<f32>) -> f32 {
    return p.y * select(p.x * exp(min(x, 0.0)), 1.0, x > 0.0);
}

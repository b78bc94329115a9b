fn unary_derivative(x: f32, p: vec2<f32>) -> f32 {
    return select(select(x / 3.0 + 0.5, 1.0, x >= 3.0), 0.0, x <= -3.0);
}

fn unary(x: f32, p: vec2<f32>) -> f32 {
    return 0.5 * log((1.0 + x) / (1.0 - x));
}

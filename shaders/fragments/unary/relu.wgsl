fn unary(x: f32, p: vec2<f32>) -> f32 {
    return max(x, 0.0);
}

fn unary(x: f32, p: vec2<f32>) -> f32 {
    return x / (1.0 + abs(x));
}

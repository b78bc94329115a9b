fn unary_derivative(x: f32, p: vec2<f32>) -> f32 {
    let d = 1.0 + abs(x);
    return 1.0 / (d * d);
}

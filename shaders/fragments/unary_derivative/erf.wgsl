fn unary_derivative(x: f32, p: vec2<f32>) -> f32 {
    return 1.1283791670955126 * exp(-x * x);
}

fn unary_derivative(x: f32, p: vec2<f32>) -> f32 {
    let y = 1.0 / x;
    return -y * y;
}

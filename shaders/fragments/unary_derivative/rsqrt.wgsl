fn unary_derivative(x: f32, p: vec2<f32>) -> f32 {
    let root = 1.0 / sqrt(x);
    return -0.5 * root * root * root;
}

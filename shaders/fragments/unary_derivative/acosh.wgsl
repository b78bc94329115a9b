fn unary_derivative(x: f32, p: vec2<f32>) -> f32 {
    return inverseSqrt((x - 1.0) * (x + 1.0));
}

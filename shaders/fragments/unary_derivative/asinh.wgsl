fn unary_derivative(x: f32, p: vec2<f32>) -> f32 {
    // The square of a large number would overflow.
    let a = abs(x);
    return select(inverseSqrt(x * x + 1.0), 1.0 / a, a > 1e9);
}

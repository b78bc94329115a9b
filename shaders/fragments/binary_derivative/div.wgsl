fn binary_derivative(a: f32, b: f32) -> vec2<f32> {
    // Not -a / (b · b), whose square leaves the range.
    return vec2(1.0 / b, -(a / b) / b);
}

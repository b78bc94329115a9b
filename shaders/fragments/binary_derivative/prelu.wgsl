fn binary_derivative(a: f32, b: f32) -> vec2<f32> {
    return select(vec2(b, a), vec2(1.0, 0.0), a > 0.0);
}

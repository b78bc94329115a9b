fn binary_derivative(a: f32, b: f32) -> vec2<f32> {
    return vec2(1.0, -trunc(a / b));
}

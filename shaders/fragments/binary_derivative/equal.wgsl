fn binary_derivative(a: f32, b: f32) -> vec2<f32> {
    // Constant but for jumps.
    return vec2(0.0, 0.0);
}

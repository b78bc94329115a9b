fn unary(x: f32, p: vec2<f32>) -> f32 {
    // Some drivers (SwiftShader) make a number of a NaN here.
    return select(x, 0.5 * log((1.0 + x) / (1.0 - x)), x == x);
}

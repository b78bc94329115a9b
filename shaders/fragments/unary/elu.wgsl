fn unary(x: f32, p: vec2<f32>) -> f32 {
    // x too where it is neither above nor below zero: a NaN stays one.
    return select(x, p.x * (exp(min(x, 0.0)) - 1.0), x <= 0.0);
}

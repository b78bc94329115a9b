fn unary(x: f32, p: vec2<f32>) -> f32 {
    // x itself where it is neither above nor below zero: 0 or NaN.
    return select(x, sign(x), x < 0.0 || x > 0.0);
}

fn unary(x: f32, p: vec2<f32>) -> f32 {
    // Not max, which turns a NaN into 0: a network that has diverged must show it.
    return select(x, 0.0, x <= 0.0);
}

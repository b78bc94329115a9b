fn unary_derivative(x: f32, p: vec2<f32>) -> f32 {
    // Small arguments by series: the difference would cancel.
    let s = x * x;
    let series = x * (1.0 + s / 6.0 * (1.0 + s / 20.0 * (1.0 + s / 42.0 * (1.0 + s / 72.0))));
    return select(0.5 * (exp(x) - exp(-x)), series, abs(x) < 1.0);
}

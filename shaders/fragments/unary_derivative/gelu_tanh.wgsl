fn safe_tanh(x: f32) -> f32 {
    // Small arguments by series (the quotient below would cancel), large ones by an exp that cannot overflow.
    let a = abs(x);
    let e = exp(-2.0 * a);
    let x2 = x * x;
    let series = x * (1.0 + x2 * (-1.0 / 3.0 + x2 * (2.0 / 15.0 + x2 * (-17.0 / 315.0 + x2 * (62.0 / 2835.0)))));
    return select(sign(x) * (1.0 - e) / (1.0 + e), series, a < 0.25);
}

fn unary_derivative(x: f32, p: vec2<f32>) -> f32 {
    let t = safe_tanh(0.7978845608 * (x + 0.044715 * x * x * x));
    let inner = 0.7978845608 * (1.0 + 0.134145 * x * x);
    return 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * inner;
}

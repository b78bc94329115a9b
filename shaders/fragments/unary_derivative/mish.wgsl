fn softplus(x: f32) -> f32 {
    // log(1 + eˣ) without overflow.
    return max(x, 0.0) + log(1.0 + exp(-abs(x)));
}

fn safe_tanh(x: f32) -> f32 {
    // Small arguments by series (the quotient below would cancel), large ones by an exp that cannot overflow.
    let a = abs(x);
    let e = exp(-2.0 * a);
    let x2 = x * x;
    let series = x * (1.0 + x2 * (-1.0 / 3.0 + x2 * (2.0 / 15.0 + x2 * (-17.0 / 315.0 + x2 * (62.0 / 2835.0)))));
    return select(sign(x) * (1.0 - e) / (1.0 + e), series, a < 0.25);
}

fn logistic(x: f32) -> f32 {
    // exp of a non-positive number cannot overflow.
    let e = exp(-abs(x));
    return select(e, 1.0, x >= 0.0) / (1.0 + e);
}

fn unary_derivative(x: f32, p: vec2<f32>) -> f32 {
    let t = safe_tanh(softplus(x));
    return t + x * (1.0 - t * t) * logistic(x);
}

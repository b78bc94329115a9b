fn softplus(x: f32) -> f32 {
    // log(1 + eˣ) without overflow.
    return max(x, 0.0) + log(1.0 + exp(-abs(x)));
}

fn unary(x: f32, p: vec2<f32>) -> f32 {
    // Some drivers (SwiftShader) make a number of a NaN here.
    return select(x, softplus(x), x == x);
}

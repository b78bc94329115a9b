// exp(t²/2) · erfc(t/√2) / 2 for 0 ≤ t ≤ 14, as in the fragment `gelu` of the slot `unary`.
fn scaled_tail(t: f32) -> f32 {
    let top = fma(t, fma(t, fma(t, 0.017047778, 0.119532045), 0.36197194), 0.4999998);
    let bottom = fma(t, fma(t, fma(t, fma(t, 0.042737445, 0.29941976), 0.9534417), 1.5218096), 1.0);
    return top / bottom;
}

// Φ(x) + x φ(x): the distribution function and the density φ share their exp.
fn unary_derivative(x: f32, p: vec2<f32>) -> f32 {
    // As `min(abs(x), 14.0)`, of which NaN would come out a number.
    let t = select(abs(x), 14.0, abs(x) > 14.0);
    let below = exp2(-0.72134752 * t * t) * fma(-0.3989422804, t, scaled_tail(t));
    return select(1.0 - below, below, x < 0.0);
}

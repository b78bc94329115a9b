// exp(t²/2) · erfc(t/√2) / 2 for 0 ≤ t ≤ 14, which falls as slowly as 1/t: a minimax quotient, by least squares with weights
// that grow where the error is large (Lawson's). Its relative error is below 4e-7, and no term cancels.
fn scaled_tail(t: f32) -> f32 {
    // Both divided by the leading coefficient below, which saves a product.
    let top = fma(t, fma(t, fma(t, 0.3988956, 2.7968926), 8.469667), 11.699338);
    let bottom = fma(t, fma(t, fma(t, t + 7.0060287, 22.309282), 35.60834), 23.398685);
    return top / bottom;
}

// x Φ(x), Φ being the standard normal distribution function, without cancellation on either side.
fn unary(x: f32, p: vec2<f32>) -> f32 {
    // exp(-t²/2) as a power of two; beyond 14 it is below the smallest number.
    // As a choice: llvmpipe's minimum looks for NaN besides.
    let t = select(abs(x), 14.0, abs(x) > 14.0);
    return fma(-t, exp2(-0.72134752 * t * t) * scaled_tail(t), select(x, 0.0, x < 0.0));
}

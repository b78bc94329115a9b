// 2ⁿ for a whole n from -126 to 127: the sum has n in its lowest bits, and the exponent of a float lies above 23 others.
fn power_of_two(n: f32) -> f32 {
    return bitcast<f32>((bitcast<u32>(n + 12582912.0) << 23u) + 0x3f800000u);
}

// 2ᵏ · eˣ to a few units in the last place, for k of 0 and -1: drivers' exp lose six bits of a large x. eˣ is 2ⁿ · eʳ, with
// n · ln 2 taken off in two parts, so that nothing cancels; eʳ is a polynomial with a relative error below 1.1e-7 for |r| ≤ ½ ln 2,
// by least squares with weights that grow where the error is large (Lawson's).
fn scaled_exp(x: f32, k: f32) -> f32 {
    // Beyond these ends the result is infinite or 0. A NaN is on neither side.
    let b = select(select(x, 90.0, x > 90.0), -105.0, x < -105.0);
    let n = round(b * 1.4426950408889634);
    let r = (b - n * 0.693359375) + n * 2.12194440e-4;
    let series = 1.0 + (r + r * r * (0.49999228 + r * (0.16667116 + r * (0.04189055 + r * 0.0083124777))));
    // Two factors, for 2ⁿ need not be a number where 2ⁿ · eʳ is one.
    let half = floor(0.5 * n);
    return series * power_of_two(half) * power_of_two(n - half + k);
}

fn hyperbolic_cosine(x: f32) -> f32 {
    // Each half is a number where eˣ is none.
    return scaled_exp(x, -1.0) + scaled_exp(-x, -1.0);
}

fn unary(x: f32, p: vec2<f32>) -> f32 {
    return hyperbolic_cosine(x);
}

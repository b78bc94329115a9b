// 2ⁿ for a whole n from -126 to 127: the sum has n in its lowest bits, and the exponent of a float lies above 23 others.
fn power_of_two(n: f32) -> f32 {
    return bitcast<f32>((bitcast<u32>(n + 12582912.0) << 23u) + 0x3f800000u);
}

// eˣ of an x that is not positive, to a few units in the last place: drivers' exp lose six bits of a large one. eˣ is 2ⁿ · eʳ,
// with n · ln 2 taken off in two parts, so that nothing cancels; eʳ is a polynomial with a relative error below 1.1e-7 for
// |r| ≤ ½ ln 2, by least squares with weights that grow where the error is large (Lawson's).
fn exp_below_zero(b: f32) -> f32 {
    let n = round(b * 1.4426950408889634);
    let r = (b - n * 0.693359375) + n * 2.12194440e-4;
    let series = 1.0 + (r + r * r * (0.49999228 + r * (0.16667116 + r * (0.04189055 + r * 0.0083124777))));
    // 0 below the normal numbers. A NaN is on neither side.
    return select(series * power_of_two(n), 0.0, b < -87.3);
}

fn unary_derivative(x: f32, p: vec2<f32>) -> f32 {
    // sech² without the cancellation of 1 − tanh²; the exp cannot overflow.
    let e = exp_below_zero(-2.0 * abs(x));
    return 4.0 * e / ((1.0 + e) * (1.0 + e));
}

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

// log(2ᵏ (1 + f)) for f from √½ - 1 to √2 - 1, by the polynomial of Cephes' logf (Moshier, 1984): a driver's log is wrong in
// all digits beside 1. ln 2 comes in two parts, of which the larger times k is exact.
fn log_of_parts(f: f32, k: f32) -> f32 {
    let s = f * f;
    let low = 1.1676998740e-1 + f * (-1.1514610310e-1 + f * 7.0376836292e-2);
    let middle = -1.6668057665e-1 + f * (1.4249322787e-1 + f * (-1.2420140846e-1 + f * low));
    let high = 3.3333331174e-1 + f * (-2.4999993993e-1 + f * (2.0000714765e-1 + f * middle));
    return (f + (f * s * high - k * 2.12194440e-4 - 0.5 * s)) + k * 0.693359375;
}

// log(1 + x) for x from 0 to 1, which costs no bits of a small one.
fn log1p_of_unit(x: f32) -> f32 {
    let upper = x > 0.41421356;
    return log_of_parts(select(x, 0.5 * (x - 1.0), upper), select(0.0, 1.0, upper));
}

fn unary(x: f32, p: vec2<f32>) -> f32 {
    // log(1 + eˣ) without overflow, and without loss where eˣ is small.
    return select(0.0, x, x > 0.0) + log1p_of_unit(exp_below_zero(-abs(x)));
}

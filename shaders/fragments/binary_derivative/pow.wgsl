// WGSL leaves pow of a negative base undefined; here an integer exponent keeps the sign rule, another gives NaN.
fn signed_pow(a: f32, b: f32) -> f32 {
    let magnitude = select(pow(abs(a), b), select(0.0, 1.0, b == 0.0), a == 0.0 && b >= 0.0);
    if (a >= 0.0) {
        return magnitude;
    }
    if (b != floor(b)) {
        return bitcast<f32>(0x7fc00000u);
    }
    let odd = b - 2.0 * floor(b * 0.5) == 1.0;
    return select(magnitude, -magnitude, odd);
}

fn binary_derivative(a: f32, b: f32) -> vec2<f32> {
    // b · a^(b − 1), which is 0 for b = 0 whatever a is.
    let da = select(b * signed_pow(a, b - 1.0), 0.0, b == 0.0);
    // a^b · ln a, whose limit at a = 0 is 0 for b ≥ 0.
    let db = select(signed_pow(a, b) * log(a), 0.0, a == 0.0 && b >= 0.0);
    return vec2(da, db);
}

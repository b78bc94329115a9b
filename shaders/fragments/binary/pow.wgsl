// WGSL leaves pow of a negative base undefined; here an integer exponent keeps the sign rule, another gives NaN.
fn binary(a: f32, b: f32) -> f32 {
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

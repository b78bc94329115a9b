// 2ⁿ for a whole n from -126 to 127: the sum has n in its lowest bits, and the exponent of a float lies above 23 others.
fn power_of_two(n: f32) -> f32 {
    return bitcast<f32>((bitcast<u32>(n + 12582912.0) << 23u) + 0x3f800000u);
}

// eˣ - 1 of an x that is not positive, without cancellation: 2ⁿ (eʳ - 1) + (2ⁿ - 1), where n is 0 for a small x. eʳ - 1 is the
// polynomial of Cephes' expf (Moshier, 1984).
fn expm1_below_zero(x: f32) -> f32 {
    // Beyond it the result is -1. A NaN is on neither side.
    let b = select(x, -25.0, x < -25.0);
    let n = round(b * 1.4426950408889634);
    let r = (b - n * 0.693359375) + n * 2.12194440e-4;
    let tail = 4.1665795894e-2 + r * (8.3334519073e-3 + r * (1.3981999507e-3 + r * 1.9875691500e-4));
    let head = 5.0000001201e-1 + r * (1.6666665459e-1 + r * tail);
    let power = power_of_two(n);
    return power * (r + r * r * head) + (power - 1.0);
}

fn unary(x: f32, p: vec2<f32>) -> f32 {
    // x too where it is neither above nor below zero: a NaN stays one.
    return select(x, p.x * expm1_below_zero(x), x <= 0.0);
}

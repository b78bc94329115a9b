// 2ⁿ for a whole n from -126 to 127: the sum has n in its lowest bits, and the exponent of a float lies above 23 others.
fn power_of_two(n: f32) -> f32 {
    return bitcast<f32>((bitcast<u32>(n + 12582912.0) << 23u) + 0x3f800000u);
}

// eˣ of an x that is not positive, to two units in the last place: drivers' exp lose six bits of a large one. eˣ is 2ⁿ · eʳ;
// n · ln 2 is taken off in two parts, so that nothing cancels, and eʳ is the polynomial of Cephes' expf (Moshier, 1984).
fn exp_below_zero(x: f32) -> f32 {
    // Beyond it the result is 0. A NaN is on neither side.
    let b = select(x, -105.0, x < -105.0);
    let n = round(b * 1.4426950408889634);
    let r = (b - n * 0.693359375) + n * 2.12194440e-4;
    let tail = 4.1665795894e-2 + r * (8.3334519073e-3 + r * (1.3981999507e-3 + r * 1.9875691500e-4));
    let head = 5.0000001201e-1 + r * (1.6666665459e-1 + r * tail);
    // 2²⁴ more, and off again: 2ⁿ itself may lie below the normal numbers.
    return (1.0 + (r + r * r * head)) * power_of_two(n + 24.0) * 5.9604644775390625e-8;
}

fn unary_derivative(x: f32, p: vec2<f32>) -> f32 {
    return select(p.x * exp_below_zero(x), 1.0, x > 0.0);
}

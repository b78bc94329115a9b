// digits · 2^(exponent − 150) with the sign of `like`, for digits of 24 bits and not 0.
fn scaled(digits: u32, exponent: u32, like: f32) -> f32 {
    let up = countLeadingZeros(digits) - 8u;
    let normal = ((exponent - up) << 23u) | ((digits << (up & 31u)) & 0x7fffffu);
    let size = select(digits << (min(exponent, 24u) - 1u), normal, up < exponent);
    return bitcast<f32>(size | (bitcast<u32>(like) & 0x80000000u));
}

// The rest with the sign of a, exact: a − b · trunc(a / b) loses it where the quotient is large. A long division of the
// significands, eight digits of the quotient in a step, at most 32 steps.
fn binary(a: f32, b: f32) -> f32 {
    let x = bitcast<u32>(a) & 0x7fffffffu;
    let y = bitcast<u32>(b) & 0x7fffffffu;
    if (x >= 0x7f800000u || y > 0x7f800000u || y == 0u) {
        // No constant: implementations refuse one that is NaN.
        var none = 0x7fc00000u;
        return bitcast<f32>(none);
    }
    if (x < y) {
        return a;
    }
    // |a| = x_digits · 2^(x_exponent − 150), subnormal or not, and |b| likewise.
    let x_exponent = max(x >> 23u, 1u);
    let y_exponent = max(y >> 23u, 1u);
    let x_digits = (x & 0x7fffffu) | select(0u, 0x800000u, x >= 0x800000u);
    let y_digits = (y & 0x7fffffu) | select(0u, 0x800000u, y >= 0x800000u);
    var rest = x_digits % y_digits;
    for (var left = x_exponent - y_exponent; left != 0u && rest != 0u;) {
        let step = min(left, 8u);
        rest = (rest << step) % y_digits;
        left -= step;
    }
    if (rest == 0u) {
        return bitcast<f32>(bitcast<u32>(a) & 0x80000000u);
    }
    return scaled(rest, y_exponent, a);
}

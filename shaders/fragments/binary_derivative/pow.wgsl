// 2ⁿ for a whole n from -126 to 127: the sum has n in its lowest bits, and the exponent of a float lies above 23 others.
fn pow_of_two(n: f32) -> f32 {
    return bitcast<f32>((bitcast<u32>(n + 12582912.0) << 23u) + 0x3f800000u);
}

// 2ᵏ · eˣ to a few units in the last place, for k of 0 and -1: drivers' exp lose six bits of a large x. eˣ is 2ⁿ · eʳ, with
// n · ln 2 taken off in two parts, so that nothing cancels; eʳ is a polynomial with a relative error below 1.1e-7 for |r| ≤ ½ ln 2,
// by least squares with weights that grow where the error is large (Lawson's).
fn pow_exp(x: f32, k: f32) -> f32 {
    // Beyond these ends the result is infinite or 0. A NaN is on neither side.
    let b = select(select(x, 90.0, x > 90.0), -105.0, x < -105.0);
    let n = round(b * 1.4426950408889634);
    let r = (b - n * 0.693359375) + n * 2.12194440e-4;
    let series = 1.0 + (r + r * r * (0.49999228 + r * (0.16667116 + r * (0.04189055 + r * 0.0083124777))));
    // Two factors, for 2ⁿ need not be a number where 2ⁿ · eʳ is one.
    let half = floor(0.5 * n);
    return series * pow_of_two(half) * pow_of_two(n - half + k);
}

// log(2ᵏ (1 + f)) for f from √½ - 1 to √2 - 1, by the polynomial of Cephes' logf (Moshier, 1984): a driver's log is wrong in
// all digits beside 1. ln 2 comes in two parts, of which the larger times k is exact.
fn pow_log_of_parts(f: f32, k: f32) -> f32 {
    let s = f * f;
    let low = 1.1676998740e-1 + f * (-1.1514610310e-1 + f * 7.0376836292e-2);
    let middle = -1.6668057665e-1 + f * (1.4249322787e-1 + f * (-1.2420140846e-1 + f * low));
    let high = 3.3333331174e-1 + f * (-2.4999993993e-1 + f * (2.0000714765e-1 + f * middle));
    return (f + (f * s * high - k * 2.12194440e-4 - 0.5 * s)) + k * 0.693359375;
}

fn pow_log(x: f32) -> f32 {
    // Below the normal numbers the exponent says nothing.
    let small = x < 1.1754944e-38;
    let bits = bitcast<i32>(select(x, x * 8388608.0, small));
    // 1 + f is the number with the exponent that brings it next to 1: 0x3f3504f3 is √½.
    let exponent = (bits - 0x3f3504f3) >> 23u;
    let f = bitcast<f32>(bits - (exponent << 23u)) - 1.0;
    let y = pow_log_of_parts(f, f32(exponent) - select(0.0, 23.0, small));
    // Not as constants, which WGSL refuses.
    var infinity = 0x7f800000u;
    var nan = 0x7fc00000u;
    let outside = select(select(x, bitcast<f32>(nan), x < 0.0), -bitcast<f32>(infinity), x == 0.0);
    return select(outside, y, (x > 0.0) & (bitcast<u32>(x) < infinity));
}

// aᵇ as C's pow: WGSL leaves it undefined for a negative base, drivers differ at 0 and infinity,
// and beside 1 theirs has no digits for a large exponent.
fn signed_pow(a: f32, b: f32) -> f32 {
    // Not as constants, which WGSL refuses.
    var infinity = 0x7f800000u;
    var nan = 0x7fc00000u;
    let size_a = bitcast<u32>(a) & 0x7fffffffu;
    let size_b = bitcast<u32>(b) & 0x7fffffffu;
    let magnitude = abs(a);
    // Of 0, of infinity and to an infinite power it is 0 or infinite, by whether it grows.
    let grows = select((b < 0.0), (b > 0.0), magnitude > 1.0);
    let at_end = (size_a == 0u) | (size_a == infinity) | (size_b == infinity);
    var y = select(pow_exp(b * pow_log(magnitude), 0.0), select(0.0, bitcast<f32>(infinity), grows), at_end);
    // No operator here is one that branches: there would be dozens in a kernel.
    // A negative base, -0 among them, keeps its sign in an odd power; in one that is no whole number it has no result.
    let whole = b == floor(b);
    let odd = whole & (0.5 * b != floor(0.5 * b));
    y = select(y, -y, odd & (bitcast<i32>(a) < 0));
    let none = (a < 0.0) & (size_a != infinity) & !whole;
    y = select(y, bitcast<f32>(nan), none | (max(size_a, size_b) > infinity));
    // A NaN too to the power 0, and 1 to any; -1 to an infinite one.
    return select(y, 1.0, (size_b == 0u) | (a == 1.0) | ((a == -1.0) & (size_b == infinity)));
}

fn binary_derivative(a: f32, b: f32) -> vec2<f32> {
    // b · a^(b − 1), which is 0 for b = 0 whatever a is.
    let da = select(b * signed_pow(a, b - 1.0), 0.0, b == 0.0);
    // a^b · ln a, whose limit at a = 0 is 0 for b ≥ 0.
    let db = select(signed_pow(a, b) * pow_log(a), 0.0, (a == 0.0) & (b >= 0.0));
    return vec2(da, db);
}

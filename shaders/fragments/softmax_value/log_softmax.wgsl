// log(2ᵏ (1 + f)) for f from √½ - 1 to √2 - 1, by the polynomial of Cephes' logf (Moshier, 1984): a driver's log is wrong in
// all digits beside 1. ln 2 comes in two parts, of which the larger times k is exact.
fn log_of_parts(f: f32, k: f32) -> f32 {
    let s = f * f;
    let low = 1.1676998740e-1 + f * (-1.1514610310e-1 + f * 7.0376836292e-2);
    let middle = -1.6668057665e-1 + f * (1.4249322787e-1 + f * (-1.2420140846e-1 + f * low));
    let high = 3.3333331174e-1 + f * (-2.4999993993e-1 + f * (2.0000714765e-1 + f * middle));
    return (f + (f * s * high - k * 2.12194440e-4 - 0.5 * s)) + k * 0.693359375;
}

fn natural_log(x: f32) -> f32 {
    // Below the normal numbers the exponent says nothing.
    let small = x < 1.1754944e-38;
    let bits = bitcast<i32>(select(x, x * 8388608.0, small));
    // 1 + f is the number with the exponent that brings it next to 1: 0x3f3504f3 is √½.
    let exponent = (bits - 0x3f3504f3) >> 23u;
    let f = bitcast<f32>(bits - (exponent << 23u)) - 1.0;
    let y = log_of_parts(f, f32(exponent) - select(0.0, 23.0, small));
    // Not as constants, which WGSL refuses.
    var infinity = 0x7f800000u;
    var nan = 0x7fc00000u;
    let outside = select(select(x, bitcast<f32>(nan), x < 0.0), -bitcast<f32>(infinity), x == 0.0);
    return select(outside, y, (x > 0.0) & (bitcast<u32>(x) < infinity));
}

fn softmax_term(sum: f32) -> f32 {
    return natural_log(sum);
}

fn softmax_value(distance: f32, term: f32) -> f32 {
    return distance - term;
}

// aᵇ as C's pow: WGSL leaves it undefined for a negative base, and drivers differ at 0 and infinity.
fn signed_pow(a: f32, b: f32) -> f32 {
    // Not as constants, which WGSL refuses.
    let infinity = 0x7f800000u;
    let nan = 0x7fc00000u;
    let size_a = bitcast<u32>(a) & 0x7fffffffu;
    let size_b = bitcast<u32>(b) & 0x7fffffffu;
    let magnitude = abs(a);
    // Of 0, of infinity and to an infinite power it is 0 or infinite, by whether it grows.
    let grows = (magnitude > 1.0) == (b > 0.0);
    let at_end = size_a == 0u || size_a == infinity || size_b == infinity;
    var y = select(pow(magnitude, b), select(0.0, bitcast<f32>(infinity), grows), at_end);
    // A negative base, -0 among them, keeps its sign in an odd power; in one that is no whole number it has no result.
    let whole = b == floor(b);
    let odd = whole && 0.5 * b != floor(0.5 * b);
    y = select(y, -y, odd && bitcast<i32>(a) < 0);
    y = select(y, bitcast<f32>(nan), (a < 0.0 && size_a != infinity && !whole) || max(size_a, size_b) > infinity);
    // A NaN too to the power 0, and 1 to any; -1 to an infinite one.
    return select(y, 1.0, size_b == 0u || a == 1.0 || (a == -1.0 && size_b == infinity));
}

fn binary(a: f32, b: f32) -> f32 {
    return signed_pow(a, b);
}

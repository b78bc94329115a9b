// The upper 32 bits of a · b.
fn upper_product(a: u32, b: u32) -> u32 {
    let low = a & 0xffffu;
    let high = a >> 16u;
    let across = low * (b >> 16u);
    let other = high * (b & 0xffffu);
    let carry = ((low * (b & 0xffffu)) >> 16u) + (across & 0xffffu) + (other & 0xffffu);
    return high * (b >> 16u) + (across >> 16u) + (other >> 16u) + (carry >> 16u);
}

// Bits i to i + 31 of 1 / 2π behind 32 zeros.
fn turns_of_radians(i: u32) -> u32 {
    var words = array<u32, 8>(
        0u, 0x28be60dbu, 0x9391054au, 0x7f09d5f4u, 0x7d4d3770u, 0x36d8a566u, 0x4f10e410u, 0x7f9458eau);
    let shift = i & 31u;
    let word = words[i >> 5u];
    let behind = words[min((i >> 5u) + 1u, 7u)];
    return select(word, (word << shift) | (behind >> (32u - shift)), shift > 0u);
}

// The same as below for large |x| (Payne and Hanek, 1983): of x / 2π only what is behind the point counts, and that is a
// product of integers: the 24 digits of x with the 96 bits of 1 / 2π that their exponent leaves there.
fn reduced_far(x: f32) -> vec2<f32> {
    let bits = bitcast<u32>(x);
    let digits = (bits & 0x7fffffu) | 0x800000u;
    // x is digits · 2^(place - 32).
    let place = ((bits >> 23u) & 0xffu) - 118u;
    let middle = turns_of_radians(place + 32u);
    let low = digits * middle + upper_product(digits, turns_of_radians(place + 64u));
    let carry = select(0u, 1u, low < digits * middle);
    let turns = digits * turns_of_radians(place) + upper_product(digits, middle) + carry;
    // Half turns: the first bit is k's, and the others, with their sign, are what is left.
    let left = vec2((turns << 1u) | (low >> 31u), low << 1u);
    let negative = left.x >= 0x80000000u;
    let upper = select(left.x, ~left.x + select(0u, 1u, left.y == 0u), negative);
    let lower = select(left.y, ~left.y + 1u, negative);
    let zeros = min(countLeadingZeros(upper), 31u);
    let first = select(upper, (upper << zeros) | (lower >> (32u - zeros)), zeros > 0u);
    let size = f32(first) * bitcast<f32>((95u - zeros) << 23u) * 3.141592653589793;
    let odd = (turns >> 31u) != select(0u, 1u, negative);
    return vec2(select(size, -size, negative != (x < 0.0)), select(1.0, -1.0, odd));
}

// x − k·π for the nearest integer k, and (−1)ᵏ. π is taken in three parts, so that nothing cancels for |x| up to 10⁴.
fn reduced(x: f32) -> vec2<f32> {
    let size = bitcast<u32>(x) & 0x7fffffffu;
    if (size >= 0x46000000u && size < 0x7f800000u) {
        return reduced_far(x);
    }
    let k = round(x * 0.3183098861837907);
    let r = ((x - k * 3.140625) - k * 0.0009675025939941406) - k * 1.509957990978376432e-7;
    return vec2(r, 1.0 - 2.0 * abs(k - 2.0 * round(0.5 * k)));
}

// The polynomials of Abramowitz and Stegun, 4.3.97 and 4.3.99: WGSL demands little accuracy of the built-in ones.
fn sine(x: f32) -> f32 {
    let r = reduced(x);
    let s = r.x * r.x;
    let tail = s * (-0.000198409 + s * (0.0000027526 - s * 0.0000000239));
    return r.y * r.x * (1.0 + s * (-0.1666666664 + s * (0.0083333315 + tail)));
}

fn cosine(x: f32) -> f32 {
    let r = reduced(x);
    let s = r.x * r.x;
    let tail = s * (-0.0013888397 + s * (0.0000247609 - s * 0.0000002605));
    return r.y * (1.0 + s * (-0.4999999963 + s * (0.0416666418 + tail)));
}

fn unary(x: f32, p: vec2<f32>) -> f32 {
    return sine(x) / cosine(x);
}

// −log(1 − u) for u in [0, 1); near 0, where a device's log has only an absolute accuracy, by its series.
fn exponential(u: f32) -> f32 {
    let series = u * (1.0 + u * (1.0 / 2.0 + u * (1.0 / 3.0 + u * (1.0 / 4.0 + u * (1.0 / 5.0 + u * (1.0 / 6.0))))));
    return select(-log(1.0 - u), series, u < 0.0625);
}

// (cos 2πu, sin 2πu) for u in [0, 1): turned by whole quarters, then by series in the eighth that is left. The built-in
// functions are allowed an error of 2^-11.
fn unit_circle(u: f32) -> vec2<f32> {
    let quarter = round(4.0 * u);
    let angle = 6.283185307179586 * (u - 0.25 * quarter);
    let a2 = angle * angle;
    let c = 1.0 + a2 * (-1.0 / 2.0 + a2 * (1.0 / 24.0 + a2 * (-1.0 / 720.0 + a2 * (1.0 / 40320.0))));
    let s = angle * (1.0 + a2 * (-1.0 / 6.0 + a2 * (1.0 / 120.0 + a2 * (-1.0 / 5040.0 + a2 * (1.0 / 362880.0)))));
    let turned = select(vec2(c, s), vec2(-s, c), (u32(quarter) & 1u) == 1u);
    return select(turned, -turned, (u32(quarter) & 2u) == 2u);
}

// Box and Muller, "A note on the generation of random normal deviates", 1958: each pair of words gives a pair.
fn distribution(words: vec4<u32>) -> vec4<f32> {
    let u = vec4<f32>(words >> vec4(8u)) * 5.9604644775390625e-8;
    let first = sqrt(2.0 * exponential(u.x)) * unit_circle(u.y);
    let second = sqrt(2.0 * exponential(u.z)) * unit_circle(u.w);
    return vec4(first, second);
}

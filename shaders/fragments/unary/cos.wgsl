// x − k·π for the nearest integer k, and (−1)ᵏ. π is taken in three parts, so that nothing cancels for |x| up to 10⁴.
fn reduced(x: f32) -> vec2<f32> {
    let k = round(x * 0.3183098861837907);
    let r = ((x - k * 3.140625) - k * 0.0009675025939941406) - k * 1.509957990978376432e-7;
    return vec2(r, 1.0 - 2.0 * abs(k - 2.0 * round(0.5 * k)));
}

// The polynomials of Abramowitz and Stegun, 4.3.97 and 4.3.99: WGSL demands little accuracy of the built-in ones.
fn cosine(x: f32) -> f32 {
    let r = reduced(x);
    let s = r.x * r.x;
    let tail = s * (-0.0013888397 + s * (0.0000247609 - s * 0.0000002605));
    return r.y * (1.0 + s * (-0.4999999963 + s * (0.0416666418 + tail)));
}

fn unary(x: f32, p: vec2<f32>) -> f32 {
    return cosine(x);
}

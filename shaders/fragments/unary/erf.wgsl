// erfc for z ≥ 0 by a Chebyshev fit with a relative error below 1.2e-7 (Press et al., Numerical Recipes, §6.2).
fn erfc_positive(z: f32) -> f32 {
    let t = 1.0 / (1.0 + 0.5 * z);
    let head = 1.00002368 + t * (0.37409196 + t * (0.09678418 + t * (-0.18628806 + t * 0.27886807)));
    let tail = t * t * t * t * t * (-1.13520398 + t * (1.48851587 + t * (-0.82215223 + t * 0.17087277)));
    return t * exp(-z * z - 1.26551223 + t * (head + tail));
}

fn unary(x: f32, p: vec2<f32>) -> f32 {
    // Small arguments by the polynomial of Cephes' erff: 1 - erfc would lose them beside 1.
    let s = x * x;
    let tail = -8.010193625184903e-4 + s * 7.853861353153693e-5;
    let middle = 1.128358514861418e-1 + s * (-2.685381193529856e-2 + s * (5.188327685732524e-3 + s * tail));
    let series = x * (1.128379165726710 + s * (-3.761262582423300e-1 + s * middle));
    let complement = erfc_positive(abs(x));
    let far = select(select(x, 1.0 - complement, x > 0.0), complement - 1.0, x < 0.0);
    return select(far, series, abs(x) < 1.0);
}

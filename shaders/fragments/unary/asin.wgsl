// arccos of 0 to 1 by a polynomial with an error below 2e-8 (Abramowitz and Stegun, 4.4.46).
fn acos_positive(x: f32) -> f32 {
    let tail = 0.030891881 + x * (-0.0170881256 + x * (0.0066700901 - x * 0.0012624911));
    let head = 1.570796305 + x * (-0.2145988016 + x * (0.0889789874 + x * (-0.0501743046 + x * tail)));
    return sqrt(1.0 - x) * head;
}

fn unary(x: f32, p: vec2<f32>) -> f32 {
    let magnitude = 1.5707963267948966 - acos_positive(abs(x));
    return select(magnitude, -magnitude, x < 0.0);
}

fn unary(x: f32, p: vec2<f32>) -> f32 {
    // Of the magnitude, which cannot cancel; the square of a large one would overflow.
    let a = abs(x);
    let b = min(a, 1e9);
    let magnitude = select(log(b + sqrt(b * b + 1.0)), log(a) + 0.6931471805599453, a > 1e9);
    return select(select(x, magnitude, x > 0.0), -magnitude, x < 0.0);
}

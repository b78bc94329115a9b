fn unary(x: f32, p: vec2<f32>) -> f32 {
    let a = min(x, 1e9);
    let inner = log(a + sqrt((a - 1.0) * (a + 1.0)));
    return select(select(x, inner, x <= 1e9), log(x) + 0.6931471805599453, x > 1e9);
}

fn unary(x: f32, p: vec2<f32>) -> f32 {
    // Small arguments by the series of Cephes' asinf; of large ones π/2 - 2 arcsin √((1 - x) / 2), which cancels nothing.
    let a = abs(x);
    let outer = a > 0.5;
    let s = select(x * x, 0.5 * (1.0 - a), outer);
    let z = select(a, sqrt(s), outer);
    let tail = 4.5470025998e-2 + s * (2.4181311049e-2 + s * 4.2163199048e-2);
    let series = z + z * s * (1.6666752422e-1 + s * (7.4953002686e-2 + s * tail));
    let magnitude = select(series, 1.5707963267948966 - 2.0 * series, outer);
    return select(magnitude, -magnitude, x < 0.0);
}

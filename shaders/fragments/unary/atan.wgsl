fn unary(x: f32, p: vec2<f32>) -> f32 {
    // arctan(x) = π/2 − arctan(1/x) brings the argument below 1; the polynomial is Abramowitz and Stegun's 4.4.49.
    let a = abs(x);
    let outside = a > 1.0;
    let z = select(x, 1.0 / x, outside);
    let s = z * z;
    let tail = -0.07528964 + s * (0.0429096138 + s * (-0.0161657367 + s * 0.0028662257));
    let head = -0.3333314528 + s * (0.1999355085 + s * (-0.1420889944 + s * (0.1065626393 + s * tail)));
    let inner = z * (1.0 + s * head);
    return select(inner, select(1.5707963267948966, -1.5707963267948966, x < 0.0) - inner, outside);
}

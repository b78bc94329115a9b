// Not min, which may drop a NaN: of two operands of which one is that, it is the result. A comparison with it is false.
fn binary(a: f32, b: f32) -> f32 {
    return select(b, a, (a <= b) | !(a == a));
}

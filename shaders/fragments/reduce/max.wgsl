fn reduce_identity() -> f32 {
    // Not as a constant, which WGSL refuses.
    var infinity = 0x7f800000u;
    return -bitcast<f32>(infinity);
}

// Not max, which may drop a NaN: that stays, as soon as one is there. A comparison with it is false.
fn reduce(a: f32, b: f32) -> f32 {
    return select(b, a, (a >= b) | !(a == a));
}

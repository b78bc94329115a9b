// The bits are those of i32. WGSL gives a for a / 0; here it is 0, as in NumPy. −2³¹ / −1 wraps.
fn binary(a: f32, b: f32) -> f32 {
    let y = bitcast<i32>(b);
    return bitcast<f32>(select(bitcast<i32>(a) / y, 0, y == 0));
}

// The bits are those of i32. Divided without signs: of −2^31 / −1 drivers make what they like, and here it wraps. WGSL gives a
// for a / 0; here it is 0, as in NumPy.
fn binary(a: f32, b: f32) -> f32 {
    let x = bitcast<i32>(a);
    let y = bitcast<i32>(b);
    let size = bitcast<i32>(bitcast<u32>(abs(x)) / max(bitcast<u32>(abs(y)), 1u));
    return bitcast<f32>(select(select(size, -size, (x ^ y) < 0), 0, y == 0));
}

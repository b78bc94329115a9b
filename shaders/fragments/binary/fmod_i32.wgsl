// The bits are those of i32. Divided without signs: of −2^31 % −1 drivers make what they like. The rest has the sign of a; by 0
// it is 0, as in NumPy.
fn binary(a: f32, b: f32) -> f32 {
    let x = bitcast<i32>(a);
    let size = bitcast<i32>(bitcast<u32>(abs(x)) % max(bitcast<u32>(abs(bitcast<i32>(b))), 1u));
    return bitcast<f32>(select(size, -size, x < 0));
}

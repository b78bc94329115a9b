// The bits are those of i32. Divided without signs: of −2^31 % −1 drivers make what they like. The rest has the sign of b; by 0
// it is 0, as in NumPy.
fn binary(a: f32, b: f32) -> f32 {
    let x = bitcast<i32>(a);
    let y = bitcast<i32>(b);
    let size = bitcast<i32>(bitcast<u32>(abs(x)) % max(bitcast<u32>(abs(y)), 1u));
    let rest = select(size, -size, x < 0);
    return bitcast<f32>(select(rest, rest + y, rest != 0 && (rest ^ y) < 0));
}

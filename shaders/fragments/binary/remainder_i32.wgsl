// The bits are those of i32. WGSL cuts towards zero and gives 0 for a % 0.
fn binary(a: f32, b: f32) -> f32 {
    let y = bitcast<i32>(b);
    let rest = bitcast<i32>(a) % y;
    return bitcast<f32>(select(rest, rest + y, rest != 0 && (rest ^ y) < 0));
}

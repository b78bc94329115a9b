// The bits of a are those of i32: its sign fills the way down.
fn binary(a: f32, b: f32) -> f32 {
    // A negative b is a large one here.
    return bitcast<f32>(bitcast<i32>(a) >> min(bitcast<u32>(b), 31u));
}

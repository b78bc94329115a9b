// The bits are those of i32.
fn reduce_identity() -> f32 {
    return 0.0;
}

fn reduce(a: f32, b: f32) -> f32 {
    return bitcast<f32>(bitcast<i32>(a) + bitcast<i32>(b));
}

// The bits are those of i32.
fn reduce_identity() -> f32 {
    // No constant: of these bits it would be none that every implementation keeps.
    var identity = 0x7fffffffu;
    return bitcast<f32>(identity);
}

fn reduce(a: f32, b: f32) -> f32 {
    return bitcast<f32>(min(bitcast<i32>(a), bitcast<i32>(b)));
}

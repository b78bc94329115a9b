fn reduce_identity() -> f32 {
    return 1.0;
}

fn reduce(a: f32, b: f32) -> f32 {
    return a * b;
}

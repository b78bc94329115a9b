fn reduce_identity() -> f32 {
    // The highest finite number: an implementation may assume that there is no infinity.
    return 3.4028234e38;
}

fn reduce(a: f32, b: f32) -> f32 {
    return min(a, b);
}

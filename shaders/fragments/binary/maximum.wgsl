fn binary(a: f32, b: f32) -> f32 {
    return max(a, b);
}

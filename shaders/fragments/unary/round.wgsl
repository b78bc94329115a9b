fn unary(x: f32, p: vec2<f32>) -> f32 {
    // Halves go to the even neighbour.
    return round(x);
}

fn binary_derivative(a: f32, b: f32) -> vec2<f32> {
    // A tie is shared.
    let share = select(select(0.0, 1.0, a > b), 0.5, a == b);
    return vec2(share, 1.0 - share);
}

fn softmax_gradient(y: f32, grad_y: f32, sum: f32) -> f32 {
    // Some drivers (SwiftShader) make a number of a NaN here.
    return grad_y - select(y, exp(y), y == y) * sum;
}

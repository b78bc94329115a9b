fn softmax_gradient(y: f32, grad_y: f32, sum: f32) -> f32 {
    return grad_y - exp(y) * sum;
}

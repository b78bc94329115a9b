fn softmax_value(distance: f32, sum: f32) -> f32 {
    return exp(distance) / sum;
}

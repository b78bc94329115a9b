fn softmax_value(distance: f32, sum: f32) -> f32 {
    return distance - log(sum);
}

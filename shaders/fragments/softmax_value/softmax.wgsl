fn softmax_term(sum: f32) -> f32 {
    return 1.0 / sum;
}

fn softmax_value(distance: f32, term: f32) -> f32 {
    return exp(distance) * term;
}

fn softmax_term(sum: f32) -> f32 {
    return log(sum);
}

fn softmax_value(distance: f32, term: f32) -> f32 {
    return distance - term;
}

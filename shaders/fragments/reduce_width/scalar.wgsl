alias T = f32;

fn fold(a: T, b: T) -> T {
    return reduce(a, b);
}

fn join(a: T) -> f32 {
    return a;
}

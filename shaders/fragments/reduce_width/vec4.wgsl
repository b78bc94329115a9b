alias T = vec4<f32>;

fn fold(a: T, b: T) -> T {
    return vec4(reduce(a.x, b.x), reduce(a.y, b.y), reduce(a.z, b.z), reduce(a.w, b.w));
}

fn join(a: T) -> f32 {
    return reduce(reduce(a.x, a.y), reduce(a.z, a.w));
}

fn update(old: u32, value: u32) -> u32 {
    return bitcast<u32>(bitcast<f32>(old) * bitcast<f32>(value));
}

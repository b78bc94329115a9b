fn update(old: u32, value: u32) -> u32 {
    return bitcast<u32>(min(bitcast<i32>(old), bitcast<i32>(value)));
}

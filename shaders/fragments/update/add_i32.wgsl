// What leaves 32 bits wraps.
fn update(old: u32, value: u32) -> u32 {
    return old + value;
}

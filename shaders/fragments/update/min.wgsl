// A NaN stays, and one that comes wins. It is found by its bits: a comparison with one may be anything.
fn update(old: u32, value: u32) -> u32 {
    if ((old & 0x7fffffffu) > 0x7f800000u) {
        return old;
    }
    let taken = (value & 0x7fffffffu) > 0x7f800000u || bitcast<f32>(value) < bitcast<f32>(old);
    return select(old, value, taken);
}

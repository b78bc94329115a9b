// The bits are those of i32. By squaring; what leaves 32 bits wraps.
fn binary(a: f32, b: f32) -> f32 {
    var base = bitcast<i32>(a);
    let power = bitcast<i32>(b);
    if (power < 0) {
        // 1 / base^|power|, cut towards zero; of 0 it is 0.
        let sign = select(1, base, (power & 1) != 0);
        return bitcast<f32>(select(0, sign, base == 1 || base == -1));
    }
    var y = 1;
    for (var left = u32(power); left != 0u; left >>= 1u) {
        if ((left & 1u) != 0u) {
            y *= base;
        }
        base *= base;
    }
    return bitcast<f32>(y);
}

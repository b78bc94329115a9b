// The 64 bits of a · b as (low, high), where shaders have 64-bit integers.
fn multiply_wide(a: u32, b: u32) -> vec2<u32> {
    let product = u64(a) * u64(b);
    return vec2(u32(product), u32(product >> 32u));
}

// Four halves, two to a word, by operations on whole vectors: llvmpipe rounds in branches, by ranges of the exponent.
//
// Adding a power of two that is 2^13 times that of x makes the adder round to the ten digits of a half, to nearest even. The
// digits below 2^-14 do not move on, which makes denormals, and from 2^16 on all is infinite.
fn halves(v: vec4<f32>) -> vec2<u32> {
    let bits = bitcast<vec4<u32>>(v);
    let size = bits & vec4(0x7fffffffu);
    let most = min(size, vec4(0x47800000u));
    let exponent = max(most & vec4(0x7f800000u), vec4(0x38800000u));
    let power = exponent + vec4(0x06800000u);
    let digits = bitcast<vec4<u32>>(bitcast<vec4<f32>>(most) + bitcast<vec4<f32>>(power)) - power;
    // The first digit is 0x400 of a normal number and stands for one exponent; 0x1c000 is the difference of the biases.
    let finite = (exponent >> vec4(13u)) + digits - vec4(0x1c400u);
    let half = select(finite, vec4(0x7e00u), size > vec4(0x7f800000u)) | ((bits >> vec4(16u)) & vec4(0x8000u));
    return half.xz | (half.yw << vec2(16u));
}

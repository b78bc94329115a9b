fn distribution(words: vec4<u32>) -> vec4<f32> {
    // 24 bits over 2^24: exact, in [0, 1).
    return vec4<f32>(words >> vec4(8u)) * 5.9604644775390625e-8;
}

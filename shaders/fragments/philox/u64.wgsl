// The state of a block, in words whose lower 32 bits count: what is above them is never cleared but by the products, for
// which it costs nothing where the machine multiplies 32 bits to 64.
alias Word = u64;

fn next(counter: vec4<Word>, key: vec2<Word>) -> vec4<Word> {
    let first = (counter.x & 0xfffffffflu) * 0xd2511f53lu;
    let second = (counter.z & 0xfffffffflu) * 0xcd9e8d57lu;
    return vec4((second >> 32u) ^ counter.y ^ key.x, second, (first >> 32u) ^ counter.w ^ key.y, first);
}

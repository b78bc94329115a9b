// Four neighbouring groups.
alias Word = vec4<u32>;

const WIDTH: u32 = 4u;

fn offsets() -> Word {
    return vec4(0u, 1u, 2u, 3u);
}

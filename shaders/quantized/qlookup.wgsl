// y[i] = table[x[i]] of bytes: any function of one number, and a change of scale. x counts from its least number, so that −128 of
// i8 and 0 of u8 take the first of the 256 entries.
//
// Layouts: any; x and y have the same one, four bytes in a word; the table is 64 words.
// Threads: VECTORS words each, LANES apart; workgroups are folded over the grid's axes.
// Limits: 3 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 32u; // @const distance of a thread's words: threads of a subgroup stay together
const VECTORS: u32 = 1u; // @const words of a thread
const SIGNED: bool = true; // @const x is i8, not u8

struct Params {
    count: u32, // words
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read> entries: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<u32>;

/// The entry of one number, in the lowest byte.
fn entry(number: u32) -> u32 {
    return (entries[number >> 2u] >> (8u * (number & 3u))) & 255u;
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let t = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    let begin = t / LANES * (LANES * VECTORS) + t % LANES;
    let end = min(begin + LANES * VECTORS, params.count);
    for (var i = begin; i < end; i += LANES) {
        let word = x[i] ^ select(0u, 0x80808080u, SIGNED);
        y[i] = entry(word & 255u)
            | (entry((word >> 8u) & 255u) << 8u)
            | (entry((word >> 16u) & 255u) << 16u)
            | (entry(word >> 24u) << 24u);
    }
}

// A weight O I KH KW of bytes in the order of a kernel, in words of four. Bytes are signed: u8 are 128 less.
//   BY_OUTPUTS: word [g][tile][kh,kw][c][q] holds the output channels tile*TILE + 4q .. + 3 of the input channel c;
//   else:       word [g][tile][kh,kw][c/4][o] holds four input channels of the output channel tile*TILE + o.
//
// Layouts: c runs over the padded input channels of a group; what is padded, on either side, is 0.
// Threads: one word each.
// Limits: 2 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const BY_OUTPUTS: bool = false; // @const a word holds four output channels, not four input channels

struct Params {
    count: u32, // words
    inputs: u32, // of a group
    padded: u32, // input channels of a group
    outputs: u32, // of a group
    taps: u32, // KH * KW
    tile: u32, // output channels of a tile
    tiles: u32,
    flip: u32, // 0x80 where weights are u8
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weight: array<u32>;
@group(0) @binding(2) var<storage, read_write> words: array<u32>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let i = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    if (i >= params.count) {
        return;
    }
    // Output channels and input channels of a word, and how many of each are in a row of words.
    let across = select(params.tile, params.tile / 4u, BY_OUTPUTS);
    let down = select(params.padded / 4u, params.padded, BY_OUTPUTS);
    let column = i % across;
    let row = i / across % down;
    let tap = i / (across * down) % params.taps;
    let tile = i / (across * down * params.taps) % params.tiles;
    let g = i / (across * down * params.taps * params.tiles);
    var word = 0u;
    for (var j = 0u; j < 4u; j++) {
        let o = tile * params.tile + select(column, 4u * column + j, BY_OUTPUTS);
        let c = select(4u * row + j, row, BY_OUTPUTS);
        if (o < params.outputs && c < params.inputs) {
            let at = ((g * params.outputs + o) * params.inputs + c) * params.taps + tap;
            word |= (((weight[at >> 2u] >> (8u * (at & 3u))) ^ params.flip) & 255u) << (8u * j);
        }
    }
    words[i] = word;
}

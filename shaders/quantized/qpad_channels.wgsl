// y[pixel, g, c] = x[pixel, g, c] of bytes for c below both widths, and `fill` beyond x's: rows of channels made longer, to whole
// words, or shorter.
//
// Layouts: x is [pixels, groups, from], y [pixels, groups, to], bytes in words.
// Threads: one word of y each; bytes behind the last are 0.
// Limits: 2 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup

struct Params {
    count: u32, // bytes of y
    from_width: u32,
    to_width: u32,
    fill: u32, // a byte
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let i = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    if (4u * i >= params.count) {
        return;
    }
    var word = 0u;
    var row = 4u * i / params.to_width;
    var column = 4u * i - row * params.to_width;
    for (var j = 0u; j < min(4u, params.count - 4u * i); j++) {
        var byte = params.fill;
        if (column < params.from_width) {
            let at = row * params.from_width + column;
            byte = (x[at >> 2u] >> (8u * (at & 3u))) & 255u;
        }
        word |= byte << (8u * j);
        column++;
        if (column == params.to_width) {
            column = 0u;
            row++;
        }
    }
    y[i] = word;
}

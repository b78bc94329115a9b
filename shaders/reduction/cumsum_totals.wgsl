// y[line, block] = Σ x over the places of a block of a line, which `cumsum` counts from the end if REVERSE: what the blocks
// behind it start from.
//
// Layouts: x is outer × axis × inner in memory; a line runs along axis. y is [lines, blocks].
// Threads: one block of a line each.
// Limits: 2 storage buffers, no workgroup memory; a block is shorter than 65,536, which is as far as some drivers loop.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LINES_FIRST: bool = false; // @const whether neighbouring threads take neighbouring lines: after > 1
const REVERSE: bool = false; // @const whether the sums run from the end

struct Params {
    lines: u32, // outer · inner
    along: u32, // extent of axis
    after: u32, // extent of inner
    blocks: u32, // of a line
    length: u32, // places of a block
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let i = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    if (i >= params.lines * params.blocks) {
        return;
    }
    var line: u32;
    var block: u32;
    if (LINES_FIRST) {
        line = i % params.lines;
        block = i / params.lines;
    } else {
        line = i / params.blocks;
        block = i % params.blocks;
    }
    let base = line / params.after * params.along * params.after + line % params.after;
    let first = block * params.length;
    let end = min(first + params.length, params.along);
    var sum = 0.0;
    for (var place = first; place < end; place++) {
        var along = place;
        if (REVERSE) {
            along = params.along - 1u - place;
        }
        sum += x[base + along * params.after];
    }
    y[line * params.blocks + block] = sum;
}

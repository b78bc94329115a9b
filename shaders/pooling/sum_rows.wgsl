// y[b, g, c] = scale · Σ x[b, r, c] over the rows r of chunk g: g·chunk ≤ r < min((g + 1)·chunk, rows).
// Launched again on its own output until one row is left, it sums any number of rows in a fixed order; with a scale of
// 1 / (H·W) at the end it is global average pooling.
//
// Layouts: x is [batch, rows, channels] and y is [batch, groups, channels], both with the channels fastest.
// Threads: COLUMNS VALUEs of a row of y each, LANES apart (four channels, or one), channels fastest. BLOCK sums of a column
//   run side by side, so that loads do not wait for additions.
// Limits: 2 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 1u; // @const distance of a thread's columns: the threads of a subgroup
const COLUMNS: u32 = 1u; // @const columns of a thread; a row is a multiple of LANES · COLUMNS, or this is 1
const BLOCK: u32 = 4u; // @const rows of an iteration
alias VALUE = vec4<f32>; // @const f32 where the channels are no multiple of four

struct Params {
    rows: u32,
    chunk: u32, // rows that one thread adds up
    chunks: u32, // ceil(rows / chunk)
    channels: u32, // VALUEs in a row
    count: u32, // threads
    scale: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<VALUE>;
@group(0) @binding(2) var<storage, read_write> y: array<VALUE>;

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
    let step = params.channels;
    let across = step / COLUMNS;
    let outer = i / across;
    let o = i - outer * across;
    let channel = o / LANES * (LANES * COLUMNS) + o % LANES;
    let batch = outer / params.chunks;
    let first = (outer - batch * params.chunks) * params.chunk;
    let end = min(first + params.chunk, params.rows);

    let base = batch * params.rows * step + channel;
    var sums: array<VALUE, BLOCK * COLUMNS>;
    var row = first;
    for (; row + BLOCK <= end; row += BLOCK) {
        let at = base + row * step;
        // @unroll
        for (var e = 0u; e < BLOCK * COLUMNS; e++) {
            sums[e] += x[at + e / COLUMNS * step + e % COLUMNS * LANES];
        }
    }
    for (; row < end; row++) {
        // @unroll
        for (var k = 0u; k < COLUMNS; k++) {
            sums[k] += x[base + row * step + k * LANES];
        }
    }
    // @unroll
    for (var k = 0u; k < COLUMNS; k++) {
        var sum = VALUE(0.0);
        // @unroll
        for (var r = 0u; r < BLOCK; r++) {
            sum += sums[r * COLUMNS + k];
        }
        y[outer * step + channel + k * LANES] = sum * params.scale;
    }
}

// y[b, g, c] = scale · Σ x[b, r, c] over the rows r of chunk g: g·chunk ≤ r < min((g + 1)·chunk, rows).
// Launched again on its own output until one row is left, it sums any number of rows in a fixed order; with a scale of
// 1 / (H·W) at the end it is global average pooling.
//
// Layouts: x is [batch, rows, channels] and y is [batch, groups, channels], both with the channels fastest.
// Threads: one VALUE of y each (four channels, or one), channels fastest. Four sums run side by side, so that loads do
//   not wait for additions.
// Limits: 2 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
alias VALUE = vec4<f32>; // @const f32 where the channels are no multiple of four

struct Params {
    rows: u32,
    chunk: u32, // rows that one thread adds up
    groups: u32, // ceil(rows / chunk)
    channels: u32, // VALUEs in a row
    count: u32, // VALUEs of y
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
    let outer = i / params.channels;
    let channel = i - outer * params.channels;
    let batch = outer / params.groups;
    let first = (outer - batch * params.groups) * params.chunk;
    let end = min(first + params.chunk, params.rows);

    let base = batch * params.rows * params.channels + channel;
    let step = params.channels;
    var s0 = VALUE(0.0);
    var s1 = VALUE(0.0);
    var s2 = VALUE(0.0);
    var s3 = VALUE(0.0);
    var row = first;
    for (; row + 4u <= end; row += 4u) {
        let at = base + row * step;
        s0 += x[at];
        s1 += x[at + step];
        s2 += x[at + 2u * step];
        s3 += x[at + 3u * step];
    }
    for (; row < end; row++) {
        s0 += x[base + row * step];
    }
    y[i] = ((s0 + s1) + (s2 + s3)) * params.scale;
}

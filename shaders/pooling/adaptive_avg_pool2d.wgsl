// y[n, oy, ox, c] = mean of x[n, iy, ix, c] over ⌊oy·H/OH⌋ ≤ iy < ⌈(oy + 1)·H/OH⌉, and ix likewise.
//
// Layouts: x and y channels-last (N H W C). Pairs are height and width.
// Threads: one VALUE of y each (four channels of a pixel, or one), channels fastest. Global averages of large images
//   have too few outputs for that: they go through sum_rows.
// Limits: 2 storage buffers, no workgroup memory. H·OH and W·OW fit 32 bits.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
alias VALUE = vec4<f32>; // @const f32 where the channels are no multiple of four

struct Params {
    input: vec2<u32>,
    output: vec2<u32>,
    channels: u32, // VALUEs in a pixel
    count: u32, // VALUEs of y
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
    let pixel = i / params.channels;
    let channel = i - pixel * params.channels;
    let row = pixel / params.output.y;
    let image = row / params.output.x;
    let window = vec2(row - image * params.output.x, pixel - row * params.output.y);
    let first = window * params.input / params.output;
    let end = ((window + 1u) * params.input + params.output - 1u) / params.output;

    var sum = VALUE(0.0);
    for (var iy = first.x; iy < end.x; iy++) {
        let base = (image * params.input.x + iy) * params.input.y;
        var row_sum = VALUE(0.0);
        for (var ix = first.y; ix < end.y; ix++) {
            row_sum += x[(base + ix) * params.channels + channel];
        }
        sum += row_sum;
    }
    let extent = end - first;
    y[i] = sum / f32(extent.x * extent.y);
}

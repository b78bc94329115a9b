// grad_x[n, iy, ix, c] = Σ grad_y[n, oy, ox, c] / divisor(oy, ox) over the windows that have a tap at (iy, ix).
// The divisor is that of avg_pool2d.
//
// Layouts: grad_y and grad_x channels-last (N H W C). Pairs are height and width.
// Threads: one VALUE of grad_x each (four channels of a pixel, or one), which gathers from the windows that cover it.
// Limits: 2 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
alias VALUE = vec4<f32>; // @const f32 where the channels are no multiple of four
const DIVISOR: u32 = 0u; // @const 0: params.divisor, 1: taps in the padded image, 2: taps in the image

struct Params {
    input: vec2<u32>,
    output: vec2<u32>,
    kernel: vec2<u32>,
    stride: vec2<u32>,
    padding: vec2<u32>,
    dilation: vec2<u32>,
    channels: u32, // VALUEs in a pixel
    count: u32, // VALUEs of grad_x
    divisor: f32,
    pad: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> grad_y: array<VALUE>;
@group(0) @binding(2) var<storage, read_write> grad_x: array<VALUE>;

fn divisor(window: vec2<u32>) -> f32 {
    let start = window * params.stride;
    let step = params.dilation;
    if (DIVISOR == 1u) {
        let taps = min(params.kernel, (params.input + 2u * params.padding - start + step - 1u) / step);
        return f32(taps.x * taps.y);
    }
    if (DIVISOR == 2u) {
        let skipped = (max(params.padding, start) - start + step - 1u) / step;
        let end = min(params.kernel, (params.input + params.padding - start + step - 1u) / step);
        return f32((end.x - skipped.x) * (end.y - skipped.y));
    }
    return params.divisor;
}

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
    let row = pixel / params.input.y;
    let image = row / params.input.x;
    let here = vec2(row - image * params.input.x, pixel - row * params.input.y);

    // Windows before `first` end before this pixel, and those from `end` on start behind it.
    let padded = here + params.padding;
    let reach = (params.kernel - 1u) * params.dilation;
    let first = (max(padded, reach) - reach + params.stride - 1u) / params.stride;
    let end = min(params.output, padded / params.stride + 1u);

    var sum = VALUE(0.0);
    for (var oy = first.x; oy < end.x; oy++) {
        var row_sum = VALUE(0.0);
        for (var ox = first.y; ox < end.y; ox++) {
            let window = vec2(oy, ox);
            // Between the taps of a dilated window are pixels that it does not read.
            let between = (padded - window * params.stride) % params.dilation;
            if (between.x + between.y == 0u) {
                let at = ((image * params.output.x + oy) * params.output.y + ox) * params.channels + channel;
                row_sum += grad_y[at] / divisor(window);
            }
        }
        sum += row_sum;
    }
    grad_x[i] = sum;
}

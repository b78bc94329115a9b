// y[n, oy, ox, c] = (Σ over the taps (ky, kx) of x[n, oy·stride + ky·dilation − padding, …, c]) / divisor.
// The divisor is a number, or the taps that lie in the padded image, or those that lie in the image itself, as PyTorch's
// divisor_override and count_include_pad ask. A divisor of 1 makes the sum.
//
// Layouts: x and y channels-last (N H W C). Pairs are height and width.
// Threads: one VALUE of y each (four channels of a pixel, or one), channels fastest. The window is clipped to the image
//   once, so that no tap is tested; rows are summed apart, which keeps the error of large windows small.
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
    count: u32, // VALUEs of y
    divisor: f32,
    pad: u32,
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

    // The first tap that is not in the padding, and the end of the window, in the image's coordinates.
    let start = window * params.stride;
    let step = params.dilation;
    let skipped = (max(params.padding, start) - start + step - 1u) / step;
    let first = start + skipped * step - params.padding;
    let end = min(params.input, start + (params.kernel - 1u) * step + 1u - params.padding);

    var sum = VALUE(0.0);
    for (var iy = first.x; iy < end.x; iy += step.x) {
        let base = (image * params.input.x + iy) * params.input.y;
        var row_sum = VALUE(0.0);
        for (var ix = first.y; ix < end.y; ix += step.y) {
            row_sum += x[(base + ix) * params.channels + channel];
        }
        sum += row_sum;
    }

    var divisor = params.divisor;
    if (DIVISOR == 1u) {
        let taps = min(params.kernel, (params.input + 2u * params.padding - start + step - 1u) / step);
        divisor = f32(taps.x * taps.y);
    } else if (DIVISOR == 2u) {
        let taps = (end - first + step - 1u) / step;
        divisor = f32(taps.x * taps.y);
    }
    y[i] = sum / divisor;
}

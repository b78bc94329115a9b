// y[n, oy, ox, c] = max over the taps (ky, kx) of x[n, oy·stride + ky·dilation − padding, …, c], and the place in its
// H·W plane where that was found. Padding never wins; of equal elements the first in row-major order does.
//
// Layouts: x, y and indices channels-last (N H W C). Pairs are height and width.
// Threads: one VALUE of y each (four channels of a pixel, or one), channels fastest. The window is clipped to the image
//   once, so that no tap is tested.
// Limits: 3 storage buffers, no workgroup memory. A plane has fewer than 2^31 pixels.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
alias VALUE = vec4<f32>; // @const f32 where the channels are no multiple of four
alias INDEX = vec4<i32>; // @const i32 along with it
const INDICES: bool = true; // @const whether indices are written

struct Params {
    input: vec2<u32>,
    output: vec2<u32>,
    kernel: vec2<u32>,
    stride: vec2<u32>,
    padding: vec2<u32>,
    dilation: vec2<u32>,
    channels: u32, // VALUEs in a pixel
    count: u32, // VALUEs of y
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<VALUE>;
@group(0) @binding(2) var<storage, read_write> y: array<VALUE>;
@group(0) @binding(3) var<storage, read_write> indices: array<INDEX>;

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

    let base = image * params.input.x * params.input.y;
    var best = VALUE(-3.4028234e38);
    var best_at = INDEX(i32(first.x * params.input.y + first.y));
    for (var iy = first.x; iy < end.x; iy += step.x) {
        for (var ix = first.y; ix < end.y; ix += step.y) {
            let at = iy * params.input.y + ix;
            let value = x[(base + at) * params.channels + channel];
            if (INDICES) {
                best_at = select(best_at, INDEX(i32(at)), value > best);
            }
            best = max(best, value);
        }
    }
    y[i] = best;
    if (INDICES) {
        indices[i] = best_at;
    }
}

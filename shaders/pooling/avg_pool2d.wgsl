// y[n, oy, ox, c] = (Σ over the taps (ky, kx) of x[n, oy·stride + ky·dilation − padding, …, c]) / divisor.
// The divisor is a number, or the taps that lie in the padded image, or those that lie in the image itself, by PyTorch's
// divisor_override and count_include_pad. A divisor of 1 makes the sum.
//
// Layouts: x and y channels-last (N H W C). Pairs are height and width.
// Threads: VECTORS VALUEs of y each (four channels of a pixel, or one), LANES apart, channels fastest; COLUMNS of one pixel at
//   a time, so that a subgroup reads long runs of memory. The window is clipped to the image once, so that no tap is tested; rows are summed apart, which keeps the error of large windows small.
// Limits: 2 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 32u; // @const distance of a thread's VALUEs: threads of a subgroup stay together
const VECTORS: u32 = 1u; // @const VALUEs of a thread, a multiple of COLUMNS
const COLUMNS: u32 = 1u; // @const VALUEs of a pixel; a pixel is a multiple of LANES · COLUMNS, or this is 1
alias VALUE = vec4<f32>; // @const f32 where the channels are no multiple of four
const DILATED: bool = true; // @const whether taps lie apart
const DIVISOR: u32 = 0u; // @const 0: params.divisor, 1: taps in the padded image, 2: taps in the image

struct Params {
    input: vec2<u32>,
    output: vec2<u32>,
    kernel: vec2<u32>,
    stride: vec2<u32>,
    padding: vec2<u32>,
    dilation: vec2<u32>,
    by_channels: vec2<u32>, // magic number and shift of `channels`
    by_height: vec2<u32>, // those of y
    by_width: vec2<u32>,
    by_stride_height: vec2<u32>,
    by_stride_width: vec2<u32>,
    channels: u32, // VALUEs in a pixel
    count: u32, // VALUEs of y
    divisor: f32,
    pad: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<VALUE>;
@group(0) @binding(2) var<storage, read_write> y: array<VALUE>;

// n / d for n < 2^31, where `by` is the magic number of d and its shift: an integer division is tens of instructions on a
// GPU and one lane after the other on a CPU (Granlund and Montgomery, Division by invariant integers, PLDI 1994).
fn quotient(n: u32, by: vec2<u32>) -> u32 {
    let low = n & 0xffffu;
    let high = n >> 16u;
    let middle = high * (by.x & 0xffffu) + ((low * (by.x & 0xffffu)) >> 16u);
    let rest = (middle & 0xffffu) + low * (by.x >> 16u);
    return (high * (by.x >> 16u) + (middle >> 16u) + (rest >> 16u) + n) >> by.y;
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    // Read once: as far as a driver knows, a store may change them.
    let p = params;
    let t = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    let begin = t / LANES * (LANES * VECTORS) + t % LANES;
    let behind = min(begin + LANES * VECTORS, p.count);
    for (var i = begin; i < behind; i += LANES * COLUMNS) {
        let pixel = quotient(i, p.by_channels);
        let channel = i - pixel * p.channels;
        let row = quotient(pixel, p.by_width);
        let image = quotient(row, p.by_height);
        let window = vec2(row - image * p.output.x, pixel - row * p.output.y);

        // The first tap that is not in the padding, and the end of the window, in the image's coordinates.
        let start = window * p.stride;
        let step = p.dilation;
        var skipped = max(p.padding, start) - start;
        if (DILATED) {
            skipped = (skipped + step - 1u) / step * step;
        }
        let first = start + skipped - p.padding;
        let end = min(p.input, start + (p.kernel - 1u) * step + 1u - p.padding);

        var sum: array<VALUE, COLUMNS>;
        // @unroll
        for (var k = 0u; k < COLUMNS; k++) {
            sum[k] = VALUE(0.0);
        }
        for (var iy = first.x; iy < end.x; iy += step.x) {
            let base = (image * p.input.x + iy) * p.input.y;
            var row_sum: array<VALUE, COLUMNS>;
            // @unroll
            for (var k = 0u; k < COLUMNS; k++) {
                row_sum[k] = VALUE(0.0);
            }
            for (var ix = first.y; ix < end.y; ix += step.y) {
                let at = (base + ix) * p.channels + channel;
                // @unroll
                for (var k = 0u; k < COLUMNS; k++) {
                    row_sum[k] += x[at + k * LANES];
                }
            }
            // @unroll
            for (var k = 0u; k < COLUMNS; k++) {
                sum[k] += row_sum[k];
            }
        }

        var divisor = p.divisor;
        if (DIVISOR != 0u) {
            var taps = end - first;
            if (DIVISOR == 1u) {
                taps = min((p.kernel - 1u) * step + 1u, p.input + 2u * p.padding - start);
            }
            if (DILATED) {
                taps = (taps + step - 1u) / step;
            }
            divisor = f32(taps.x * taps.y);
        }
        // @unroll
        for (var k = 0u; k < COLUMNS; k++) {
            y[i + k * LANES] = sum[k] / divisor;
        }
    }
}

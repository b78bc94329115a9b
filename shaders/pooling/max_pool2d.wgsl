// y[n, oy, ox, c] = max over the taps (ky, kx) of x[n, oy·stride + ky·dilation − padding, …, c], and the index in its
// H·W plane where that was found. Padding never wins; of equal elements the first in row-major order does.
//
// Layouts: x, y and indices channels-last (N H W C). Pairs are height and width.
// Threads: VECTORS VALUEs of y each (four channels of a pixel, or one), LANES apart, channels fastest. A window is clipped
//   to the image once, so that no tap is tested; small ones are clamped to it tap by tap, so that their loops are constant.
// Limits: 3 storage buffers, no workgroup memory. A plane has fewer than 2^31 pixels.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 32u; // @const distance of a thread's VALUEs: threads of a subgroup stay together
const VECTORS: u32 = 1u; // @const VALUEs of a thread
alias VALUE = vec4<f32>; // @const f32 where the channels are no multiple of four
const DILATED: bool = true; // @const whether taps lie apart
alias INDEX = vec4<i32>; // @const i32 along with it
const WHOLE: bool = false; // @const whether windows are KERNEL_HEIGHT × KERNEL_WIDTH taps side by side
const CLAMPED: bool = true; // @const if WHOLE: whether windows overhang the image
const KERNEL_HEIGHT: u32 = 2u; // @const only if WHOLE
const KERNEL_WIDTH: u32 = 2u; // @const only if WHOLE
const INDICES: bool = true; // @const whether indices are written

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
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<VALUE>;
@group(0) @binding(2) var<storage, read_write> y: array<VALUE>;
@group(0) @binding(3) var<storage, read_write> indices: array<INDEX>;

// n / d for n < 2^31, where `by` is the magic number of d and its shift: an integer division is tens of instructions on a
// GPU and one lane after the other on a CPU (Granlund and Montgomery, Division by invariant integers, PLDI 1994).
fn quotient(n: u32, by: vec2<u32>) -> u32 {
    let low = n & 0xffffu;
    let high = n >> 16u;
    let middle = high * (by.x & 0xffffu) + ((low * (by.x & 0xffffu)) >> 16u);
    let rest = (middle & 0xffffu) + low * (by.x >> 16u);
    return (high * (by.x >> 16u) + (middle >> 16u) + (rest >> 16u) + n) >> by.y;
}

// The larger of two, and NaN as soon as one is that, as PyTorch has it. A comparison with NaN is false.
fn larger(a: VALUE, b: VALUE) -> VALUE {
    return select(b, a, (a >= b) | !(a == a));
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
    for (var i = begin; i < behind; i += LANES) {
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

        let base = image * p.input.x * p.input.y;
        var best: VALUE;
        var best_at = INDEX(i32(first.x * p.input.y + first.y));
        // Loops of constant length are written out by the driver's compiler.
        var taps = vec2(KERNEL_HEIGHT, KERNEL_WIDTH);
        if (!WHOLE) {
            taps = max(end, first) - first;
            if (DILATED) {
                taps = (taps + step - 1u) / step;
            }
        }
        for (var ky = 0u; ky < taps.x; ky++) {
            for (var kx = 0u; kx < taps.y; kx++) {
                var place = first + vec2(ky, kx) * step;
                if (WHOLE && CLAMPED) {
                    // What overhangs becomes the nearest element, which the window holds too: a maximum does not count.
                    place = min(max(start + vec2(ky, kx), p.padding) - p.padding, p.input - 1u);
                }
                let at = place.x * p.input.y + place.y;
                let value = x[(base + at) * p.channels + channel];
                let opening = (ky | kx) == 0u;
                if (INDICES) {
                    // Of equal elements the first wins, of NaNs the last.
                    let later = select(best_at, INDEX(i32(at)), (value > best) | !(value == value));
                    best_at = select(later, INDEX(i32(at)), opening);
                }
                best = select(larger(best, value), value, opening);
            }
        }
        y[i] = best;
        if (INDICES) {
            indices[i] = best_at;
        }
    }
}

// grad_x[n, iy, ix, c] = Σ grad_y[n, oy, ox, c] / divisor(oy, ox) over the windows that have a tap at (iy, ix), as
// avg_pool2d_backward, for small windows without dilation.
//
// The padded image is cut into tiles of one stride. A tile's elements are covered by the same COVER_HEIGHT × COVER_WIDTH
// windows at most, ⌈kernel / stride⌉ on each axis: their gradients are read and divided once, and all the tile written.
//
// Layouts: grad_y and grad_x channels-last (N H W C). Pairs are height and width.
// Threads: VECTORS tiles of one VALUE each (four channels, or one), LANES apart, channels fastest.
// Limits: 2 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 32u; // @const distance of a thread's VALUEs: threads of a subgroup stay together
const VECTORS: u32 = 1u; // @const VALUEs of a thread
alias VALUE = vec4<f32>; // @const f32 where the channels are no multiple of four
const KERNEL_HEIGHT: u32 = 3u; // @const extents of a window
const KERNEL_WIDTH: u32 = 3u; // @const
const STRIDE_HEIGHT: u32 = 2u; // @const extents of a tile
const STRIDE_WIDTH: u32 = 2u; // @const
const COVER_HEIGHT: u32 = 2u; // @const windows that cover a tile
const COVER_WIDTH: u32 = 2u; // @const
const DIVISOR: u32 = 0u; // @const 0: params.divisor, 1: taps in the padded image, 2: taps in the image

struct Params {
    input: vec2<u32>,
    output: vec2<u32>,
    kernel: vec2<u32>,
    stride: vec2<u32>,
    padding: vec2<u32>,
    tiles: vec2<u32>, // ceil((input + padding) / stride)
    by_channels: vec2<u32>, // magic number and shift of `channels`
    by_height: vec2<u32>, // those of `tiles`
    by_width: vec2<u32>,
    channels: u32, // VALUEs in a pixel
    count: u32, // VALUEs of all tiles
    divisor: f32,
    pad: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> grad_y: array<VALUE>;
@group(0) @binding(2) var<storage, read_write> grad_x: array<VALUE>;

// n / d for n < 2^31, where `by` is the magic number of d and its shift: an integer division is tens of instructions on a
// GPU and one lane after the other on a CPU (Granlund and Montgomery, Division by invariant integers, PLDI 1994).
fn quotient(n: u32, by: vec2<u32>) -> u32 {
    let low = n & 0xffffu;
    let high = n >> 16u;
    let middle = high * (by.x & 0xffffu) + ((low * (by.x & 0xffffu)) >> 16u);
    let rest = (middle & 0xffffu) + low * (by.x >> 16u);
    return (high * (by.x >> 16u) + (middle >> 16u) + (rest >> 16u) + n) >> by.y;
}

fn divisor(p: Params, window: vec2<u32>) -> f32 {
    let start = window * p.stride;
    if (DIVISOR == 0u) {
        return p.divisor;
    }
    // The window reaches from `start` to `end`, in the coordinates of the padded image.
    let end = start + p.kernel;
    var taps = min(end, p.input + 2u * p.padding) - start;
    if (DIVISOR == 2u) {
        let skipped = max(p.padding, start) - start;
        taps = min(end, p.input + p.padding) - start - skipped;
    }
    return f32(taps.x * taps.y);
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
        let tile = vec2(row - image * p.tiles.x, pixel - row * p.tiles.y);

        var g: array<VALUE, COVER_HEIGHT * COVER_WIDTH>;
        // @unroll
        for (var w = 0u; w < COVER_HEIGHT * COVER_WIDTH; w++) {
            // From the first window on; those before the image wrap around and are too large.
            let window = tile + vec2(w / COVER_WIDTH, w % COVER_WIDTH) + 1u - vec2(COVER_HEIGHT, COVER_WIDTH);
            let near = min(window, p.output - 1u);
            let at = ((image * p.output.x + near.x) * p.output.y + near.y) * p.channels + channel;
            g[w] = select(VALUE(0.0), grad_y[at] / divisor(p, near), all(window < p.output));
        }
        let base = image * p.input.x * p.input.y;
        let first = tile * vec2(STRIDE_HEIGHT, STRIDE_WIDTH);
        // @unroll
        for (var e = 0u; e < STRIDE_HEIGHT * STRIDE_WIDTH; e++) {
            // What lies in the padding before the image wraps around and is too large.
            let place = first + vec2(e / STRIDE_WIDTH, e % STRIDE_WIDTH) - p.padding;
            if (all(place < p.input)) {
                var sum = VALUE(0.0);
                // @unroll
                for (var w = 0u; w < COVER_HEIGHT * COVER_WIDTH; w++) {
                    // Which tap of the window this element is.
                    let ky = e / STRIDE_WIDTH + (COVER_HEIGHT - 1u - w / COVER_WIDTH) * STRIDE_HEIGHT;
                    let kx = e % STRIDE_WIDTH + (COVER_WIDTH - 1u - w % COVER_WIDTH) * STRIDE_WIDTH;
                    if (ky < KERNEL_HEIGHT && kx < KERNEL_WIDTH) {
                        sum += g[w];
                    }
                }
                grad_x[(base + place.x * p.input.y + place.y) * p.channels + channel] = sum;
            }
        }
    }
}

// y[n, oy, ox, c] = (Σ over the taps (ky, kx) of x[n, oy·stride + ky − padding, ox·stride + kx − padding, c]) / divisor, as
// avg_pool2d, for small windows without dilation, on a CPU.
//
// A thread walks along a row of y and keeps the sums of the columns that a window shares with the next one, as
// max_pool2d_walk keeps their maxima. Taps that overhang are clamped to the image and count nothing.
//
// Layouts: x and y channels-last (N H W C). Pairs are height and width.
// Threads: COLUMNS VALUEs of a pixel each, LANES apart (four channels, or one), channels fastest, over whole rows of y.
// Limits: 2 storage buffers, no workgroup memory. A row of y has fewer than 65,536 pixels.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 8u; // @const distance of a thread's VALUEs: the threads of a subgroup
const COLUMNS: u32 = 1u; // @const VALUEs of a pixel; a pixel is a multiple of LANES · COLUMNS, or this is 1
alias VALUE = vec4<f32>; // @const f32 where the channels are no multiple of four
const GROUP: u32 = 1u; // @const of them, whose columns are held at once: all where windows do not overlap, else one
const KERNEL_HEIGHT: u32 = 2u; // @const extents of a window
const KERNEL_WIDTH: u32 = 2u; // @const
const STRIDE_HEIGHT: u32 = 2u; // @const
const STRIDE_WIDTH: u32 = 2u; // @const
const OVERLAP: u32 = 0u; // @const columns that a window shares with the next: KERNEL_WIDTH − STRIDE_WIDTH, at least 0
const CLAMPED: bool = true; // @const whether windows overhang the image
const DIVISOR: u32 = 0u; // @const 0: params.divisor, 1: taps in the padded image, 2: taps in the image

struct Params {
    input: vec2<u32>,
    output: vec2<u32>,
    padding: vec2<u32>,
    channels: u32, // VALUEs in a pixel
    count: u32, // threads
    divisor: f32,
    never: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<VALUE>;
@group(0) @binding(2) var<storage, read_write> y: array<VALUE>;

// Where in the image a position in the padded image lies along an axis, or the nearest one.
fn clamped(at: u32, padding: u32, extent: u32) -> u32 {
    if (CLAMPED) {
        return min(max(at, padding) - padding, extent - 1u);
    }
    return at;
}

// Whether that is the position itself.
fn inside(at: u32, padding: u32, extent: u32) -> bool {
    return !CLAMPED || at - padding < extent;
}

// How many of a window's `kernel` taps from `start` on count, where `extent` and `padding` are those of the image.
fn taps(start: u32, kernel: u32, extent: u32, padding: u32) -> u32 {
    if (DIVISOR == 1u) {
        return min(start + kernel, extent + 2u * padding) - start;
    }
    return min(start + kernel, extent + padding) - max(start, padding);
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
    if (t >= p.count) {
        return;
    }
    let across = p.channels / COLUMNS;
    let row = t / across;
    let o = t - row * across;
    let channel = o / LANES * (LANES * COLUMNS) + o % LANES;
    let image = row / p.output.x;
    let top = (row - image * p.output.x) * STRIDE_HEIGHT;
    let pixels = image * p.input.x * p.input.y;

    // The first indices in x of the rows that a window covers, and whether they count; no compiler moves them out of the loop.
    var in_x: array<u32, KERNEL_HEIGHT>;
    var counts: array<bool, KERNEL_HEIGHT>;
    // @unroll
    for (var r = 0u; r < KERNEL_HEIGHT; r++) {
        in_x[r] = (pixels + clamped(top + r, p.padding.x, p.input.x) * p.input.y) * p.channels + channel;
        counts[r] = inside(top + r, p.padding.x, p.input.x);
    }

    // The sums of a window's columns, each for all VALUEs of a pixel.
    var value: array<VALUE, KERNEL_WIDTH * COLUMNS>;
    // @unroll
    for (var r = 0u; r < KERNEL_HEIGHT; r++) {
        // @unroll
        for (var c = 0u; c < OVERLAP * COLUMNS; c++) {
            let column = clamped(c / COLUMNS, p.padding.y, p.input.y);
            let there = counts[r] & inside(c / COLUMNS, p.padding.y, p.input.y);
            let v = select(VALUE(0.0), x[in_x[r] + column * p.channels + c % COLUMNS * LANES], there);
            if (r == 0u) {
                value[STRIDE_WIDTH * COLUMNS + c] = v;
            } else {
                value[STRIDE_WIDTH * COLUMNS + c] += v;
            }
        }
    }
    let height = taps(top, KERNEL_HEIGHT, p.input.x, p.padding.x);
    var to = row * p.output.y * p.channels + channel;
    for (var ox = 0u; ox < p.output.y; ox++) {
        // One division for all of a pixel's VALUEs.
        var share = 1.0 / p.divisor;
        if (DIVISOR != 0u) {
            share = 1.0 / f32(height * taps(ox * STRIDE_WIDTH, KERNEL_WIDTH, p.input.y, p.padding.y));
        }
        // @unroll
        for (var c = 0u; c < OVERLAP * COLUMNS; c++) {
            value[c] = value[STRIDE_WIDTH * COLUMNS + c];
        }
        // @unroll
        for (var g = 0u; g < COLUMNS / GROUP; g++) {
            // In the order of memory, which is what prefetchers follow.
            // @unroll
            for (var r = 0u; r < KERNEL_HEIGHT; r++) {
                // @unroll
                for (var c = OVERLAP * GROUP; c < KERNEL_WIDTH * GROUP; c++) {
                    let at = ox * STRIDE_WIDTH + c / GROUP;
                    let column = clamped(at, p.padding.y, p.input.y);
                    let there = counts[r] & inside(at, p.padding.y, p.input.y);
                    let here = x[in_x[r] + column * p.channels + (g * GROUP + c % GROUP) * LANES];
                    let v = select(VALUE(0.0), here, there);
                    if (r == 0u) {
                        value[c / GROUP * COLUMNS + g * GROUP + c % GROUP] = v;
                    } else {
                        value[c / GROUP * COLUMNS + g * GROUP + c % GROUP] += v;
                    }
                }
            }
            // @unroll
            for (var i = 0u; i < GROUP; i++) {
                var sum = value[g * GROUP + i];
                // @unroll
                for (var j = 1u; j < KERNEL_WIDTH; j++) {
                    sum += value[j * COLUMNS + g * GROUP + i];
                }
                y[to + (g * GROUP + i) * LANES] = sum * share;
            }
        }
        to += p.channels;
    }
}

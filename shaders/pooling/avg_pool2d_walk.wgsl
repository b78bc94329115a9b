// y[n, oy, ox, c] = (Σ over the taps (ky, kx) of x[n, oy·stride + ky − padding, ox·stride + kx − padding, c]) / divisor, as
// avg_pool2d, for small windows without dilation, on a CPU.
//
// A thread walks along ROWS rows of y at once and keeps the sums of the columns that a window shares with the next one, as
// max_pool2d_walk keeps their maxima. Taps that overhang are clamped to the image and count nothing.
//
// Layouts: x and y channels-last (N H W C). Pairs are height and width.
// Threads: COLUMNS VALUEs of a pixel each, LANES apart (four channels, or one), channels fastest, over whole rows of y.
// Limits: 2 storage buffers, no workgroup memory. A row of y has fewer than 65,536 pixels.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 8u; // @const distance of a thread's VALUEs: the threads of a subgroup
const COLUMNS: u32 = 1u; // @const VALUEs of a pixel; a pixel is a multiple of LANES · COLUMNS, or this is 1
const ROWS: u32 = 1u; // @const rows of y of a thread
alias VALUE = vec4<f32>; // @const f32 where the channels are no multiple of four
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
    bands: u32, // of ROWS rows in an image of y
    count: u32, // threads
    divisor: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<VALUE>;
@group(0) @binding(2) var<storage, read_write> y: array<VALUE>;

// The sums of one column of x, one for each row of y.
struct Column {
    value: array<VALUE, ROWS>,
}

// `top` is the first row of the windows in the padded image; `pixels` those of the images before, `channel` counts VALUEs.
fn load(p: Params, top: u32, padded_column: u32, pixels: u32, channel: u32) -> Column {
    var sums: Column;
    var column = padded_column;
    if (CLAMPED) {
        column = min(max(column, p.padding.y) - p.padding.y, p.input.y - 1u);
    }
    // @unroll
    for (var r = 0u; r < (ROWS - 1u) * STRIDE_HEIGHT + KERNEL_HEIGHT; r++) {
        var row = top + r;
        if (CLAMPED) {
            row = min(max(row, p.padding.x) - p.padding.x, p.input.x - 1u);
        }
        var value = x[(pixels + row * p.input.y + column) * p.channels + channel];
        if (CLAMPED) {
            value = select(VALUE(0.0), value, row + p.padding.x == top + r && column + p.padding.y == padded_column);
        }
        // @unroll
        for (var v = 0u; v < ROWS; v++) {
            if (r >= v * STRIDE_HEIGHT && r < v * STRIDE_HEIGHT + KERNEL_HEIGHT) {
                sums.value[v] += value;
            }
        }
    }
    return sums;
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
    let band = t / across;
    let o = t - band * across;
    let channel = o / LANES * (LANES * COLUMNS) + o % LANES;
    let image = band / p.bands;
    let oy = (band - image * p.bands) * ROWS;
    let top = oy * STRIDE_HEIGHT;
    let pixels = image * p.input.x * p.input.y;

    var columns: array<Column, KERNEL_WIDTH * COLUMNS>;
    // @unroll
    for (var k = 0u; k < COLUMNS; k++) {
        // @unroll
        for (var j = 0u; j < OVERLAP; j++) {
            columns[k * KERNEL_WIDTH + STRIDE_WIDTH + j] = load(p, top, j, pixels, channel + k * LANES);
        }
    }
    var to = ((image * p.output.x + oy) * p.output.y) * p.channels + channel;
    for (var ox = 0u; ox < p.output.y; ox++) {
        let width = f32(taps(ox * STRIDE_WIDTH, KERNEL_WIDTH, p.input.y, p.padding.y));
        // @unroll
        for (var k = 0u; k < COLUMNS; k++) {
            // @unroll
            for (var j = 0u; j < OVERLAP; j++) {
                columns[k * KERNEL_WIDTH + j] = columns[k * KERNEL_WIDTH + STRIDE_WIDTH + j];
            }
            // @unroll
            for (var j = OVERLAP; j < KERNEL_WIDTH; j++) {
                columns[k * KERNEL_WIDTH + j] = load(p, top, ox * STRIDE_WIDTH + j, pixels, channel + k * LANES);
            }
            // @unroll
            for (var v = 0u; v < ROWS; v++) {
                var sum = VALUE(0.0);
                // @unroll
                for (var j = 0u; j < KERNEL_WIDTH; j++) {
                    sum += columns[k * KERNEL_WIDTH + j].value[v];
                }
                var divisor = p.divisor;
                if (DIVISOR != 0u) {
                    divisor = width * f32(taps(top + v * STRIDE_HEIGHT, KERNEL_HEIGHT, p.input.x, p.padding.x));
                }
                if (v == 0u || oy + v < p.output.x) {
                    y[to + k * LANES + v * p.output.y * p.channels] = sum / divisor;
                }
            }
        }
        to += p.channels;
    }
}

// y[n, oy, ox, c] = (Σ over the taps (ky, kx) of x[n, oy·stride + ky − padding, ox·stride + kx − padding, c]) / divisor, as
// avg_pool2d, for small windows that overlap along a row, without dilation, on a CPU.
//
// As avg_pool2d_walk a thread walks along y and keeps the sums of the columns that a window shares with the next one, but it
// walks over ROWS rows at once: 3×3 with stride 2 loads 10 elements for two results in place of 12. That many loads for all
// VALUEs of a pixel would not fit the instruction cache, and one VALUE at a time would read memory with gaps. So an iteration takes
// one, and the VALUEs of a pixel take turns: what is kept for each of them rotates.
//
// Layouts: x and y channels-last (N H W C). Pairs are height and width.
// Threads: COLUMNS VALUEs of a pixel each, LANES apart (four channels, or one), channels fastest, over ROWS whole rows of y.
// Limits: 3 storage buffers, no workgroup memory. COLUMNS rows of y have fewer than 65,536 pixels.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 8u; // @const distance of a thread's VALUEs: the threads of a subgroup
const COLUMNS: u32 = 1u; // @const VALUEs of a pixel; a pixel is a multiple of LANES · COLUMNS, or this is 1
alias VALUE = vec4<f32>; // @const f32 where the channels are no multiple of four
const ROWS: u32 = 2u; // @const rows of y
const WHOLE: bool = false; // @const whether y's height is a multiple of ROWS
const KERNEL_HEIGHT: u32 = 3u; // @const extents of a window
const KERNEL_WIDTH: u32 = 3u; // @const
const STRIDE_HEIGHT: u32 = 2u; // @const
const STRIDE_WIDTH: u32 = 2u; // @const less than KERNEL_WIDTH
const CLAMPED: bool = true; // @const whether windows overhang the image
const DIVISOR: u32 = 0u; // @const 0: params.divisor, 1: taps in the padded image, 2: taps in the image
const AHEAD: bool = false; // @const whether an iteration touches its cache lines first; a pixel is then a multiple of LANES VALUEs
const X_ROWS: u32 = (ROWS - 1u) * STRIDE_HEIGHT + KERNEL_HEIGHT;
const OVERLAP: u32 = KERNEL_WIDTH - STRIDE_WIDTH; // columns that a window shares with the next
const KEPT: u32 = ROWS * OVERLAP; // sums that a VALUE leaves for its next iteration
const LINES: u32 = STRIDE_WIDTH * LANES / 4u; // cache lines of a row of x in a subgroup's iteration
const TOUCHES: u32 = (X_ROWS * LINES + LANES - 1u) / LANES; // of a thread in an iteration

struct Params {
    input: vec2<u32>,
    output: vec2<u32>,
    padding: vec2<u32>,
    channels: u32, // VALUEs in a pixel
    count: u32, // threads
    divisor: f32,
    never: u32, // 0
}

// @slot words
alias Words = VALUE;

fn numbers(w: Words) -> VALUE {
    return w;
}

fn words(v: VALUE) -> Words {
    return v;
}
// @end

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Words>;
@group(0) @binding(2) var<storage, read_write> y: array<Words>;
@group(0) @binding(3) var<storage, read> x_lines: array<u32>; // x again: a 64-bit word would wait for its line by itself

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

// Whether the window of the thread's row `j` of y holds its row `r` of x.
fn holds(j: u32, r: u32) -> bool {
    return r >= j * STRIDE_HEIGHT && r < j * STRIDE_HEIGHT + KERNEL_HEIGHT;
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
    let strip = t / across;
    let o = t - strip * across;
    let channel = o / LANES * (LANES * COLUMNS) + o % LANES;
    let strips = (p.output.x + ROWS - 1u) / ROWS;
    let image = strip / strips;
    let first = (strip - image * strips) * ROWS;
    let pixels = image * p.input.x * p.input.y;

    // Where the rows of x begin, and whether they count. Those of a row of y that is not there may lie below the image.
    var in_x: array<u32, X_ROWS>;
    var counts: array<bool, X_ROWS>;
    // @unroll
    for (var r = 0u; r < X_ROWS; r++) {
        let at = first * STRIDE_HEIGHT + r;
        in_x[r] = (pixels + min(clamped(at, p.padding.x, p.input.x), p.input.x - 1u) * p.input.y) * p.channels + channel;
        counts[r] = inside(at, p.padding.x, p.input.x);
    }
    var height: array<u32, ROWS>;
    // @unroll
    for (var j = 0u; j < ROWS; j++) {
        height[j] = taps((first + j) * STRIDE_HEIGHT, KERNEL_HEIGHT, p.input.x, p.padding.x);
    }

    // Which line of an iteration a thread touches: of which row, from where on, and of which pixel.
    let lane = t % LANES;
    var line: array<u32, TOUCHES>;
    var column: array<u32, TOUCHES>;
    var lines = 0u;
    if (AHEAD) {
        // @unroll
        for (var k = 0u; k < TOUCHES; k++) {
            let n = min(k * LANES + lane, X_ROWS * LINES - 1u);
            let at = clamped(first * STRIDE_HEIGHT + n / LINES, p.padding.x, p.input.x);
            let pixel = pixels + min(at, p.input.x - 1u) * p.input.y;
            line[k] = (pixel * p.channels + channel - lane) * 4u + n % (LANES / 4u) * 16u;
            column[k] = n % LINES / (LANES / 4u);
        }
    }

    // The sums of columns: those that a window takes over, for each VALUE in its iteration, and those of a window.
    var kept: array<VALUE, COLUMNS * KEPT>;
    // @unroll
    for (var r = 0u; r < X_ROWS; r++) {
        // @unroll
        for (var k = 0u; k < COLUMNS * OVERLAP; k++) {
            let c = k % OVERLAP;
            let there = counts[r] & inside(c, p.padding.y, p.input.y);
            let at = in_x[r] + clamped(c, p.padding.y, p.input.y) * p.channels + k / OVERLAP * LANES;
            let v = select(VALUE(0.0), numbers(x[at]), there);
            // @unroll
            for (var j = 0u; j < ROWS; j++) {
                if (holds(j, r)) {
                    kept[k / OVERLAP * KEPT + j * OVERLAP + c] += v;
                }
            }
        }
    }

    let row = p.output.y * p.channels;
    let to = (image * p.output.x + first) * row + channel;
    for (var turn = 0u; turn < p.output.y * COLUMNS; turn++) {
        let ox = turn / COLUMNS;
        let of_pixel = turn % COLUMNS * LANES;
        if (AHEAD) {
            // @unroll
            for (var k = 0u; k < TOUCHES; k++) {
                let at = clamped(ox * STRIDE_WIDTH + OVERLAP + column[k], p.padding.y, p.input.y);
                lines |= x_lines[line[k] + (at * p.channels + of_pixel) * 4u];
            }
        }
        let width = taps(ox * STRIDE_WIDTH, KERNEL_WIDTH, p.input.y, p.padding.y);
        var sum: array<VALUE, ROWS * KERNEL_WIDTH>;
        // @unroll
        for (var j = 0u; j < ROWS; j++) {
            // @unroll
            for (var c = 0u; c < OVERLAP; c++) {
                sum[j * KERNEL_WIDTH + c] = kept[j * OVERLAP + c];
            }
        }
        // An element is added where it counts as soon as it is there: few are held at a time.
        // @unroll
        for (var r = 0u; r < X_ROWS; r++) {
            // @unroll
            for (var c = OVERLAP; c < KERNEL_WIDTH; c++) {
                let at = ox * STRIDE_WIDTH + c;
                let there = counts[r] & inside(at, p.padding.y, p.input.y);
                let here = numbers(x[in_x[r] + clamped(at, p.padding.y, p.input.y) * p.channels + of_pixel]);
                let v = select(VALUE(0.0), here, there);
                // @unroll
                for (var j = 0u; j < ROWS; j++) {
                    if (r == j * STRIDE_HEIGHT) {
                        sum[j * KERNEL_WIDTH + c] = v;
                    } else if (holds(j, r)) {
                        sum[j * KERNEL_WIDTH + c] += v;
                    }
                }
            }
            // @unroll
            for (var j = 0u; j < ROWS; j++) {
                if (r == j * STRIDE_HEIGHT + KERNEL_HEIGHT - 1u) {
                    var total = sum[j * KERNEL_WIDTH];
                    // @unroll
                    for (var c = 1u; c < KERNEL_WIDTH; c++) {
                        total += sum[j * KERNEL_WIDTH + c];
                    }
                    var divisor = p.divisor;
                    if (DIVISOR != 0u) {
                        divisor = f32(height[j] * width);
                    }
                    if (WHOLE || first + j < p.output.x) {
                        y[to + j * row + ox * p.channels + of_pixel] = words(total * (1.0 / divisor));
                    }
                }
            }
        }
        // @unroll
        for (var k = 0u; k < (COLUMNS - 1u) * KEPT; k++) {
            kept[k] = kept[k + KEPT];
        }
        // @unroll
        for (var j = 0u; j < ROWS; j++) {
            // @unroll
            for (var c = 0u; c < OVERLAP; c++) {
                kept[(COLUMNS - 1u) * KEPT + j * OVERLAP + c] = sum[j * KERNEL_WIDTH + STRIDE_WIDTH + c];
            }
        }
    }
    // The touched words must be used, or a compiler removes their loads.
    if (AHEAD && p.never != 0u) {
        y[0] = words(VALUE(bitcast<f32>(lines)));
    }
}

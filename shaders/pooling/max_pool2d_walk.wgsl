// y[n, oy, ox, c] = max over the taps (ky, kx) of x[n, oy·stride + ky − padding, ox·stride + kx − padding, c], and the place
// in its H·W plane where that was found, as max_pool2d, for small windows without dilation, on a CPU.
//
// A thread walks along ROWS rows of y at once and keeps the maxima of the columns that a window shares with the next one: a
// load is the dearest step there, and 3×3 with stride 2 takes 6 for a window in place of 9, or 5 with two rows. Taps that
// overhang are clamped to the image, where they meet an element that the window holds too.
//
// Layouts: x, y and indices channels-last (N H W C). Pairs are height and width.
// Threads: COLUMNS VALUEs of a pixel each, LANES apart (four channels, or one), channels fastest, over whole rows of y.
// Limits: 3 storage buffers, no workgroup memory. A plane has fewer than 2^31 pixels; a row of y fewer than 65,536.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 8u; // @const distance of a thread's VALUEs: the threads of a subgroup
const COLUMNS: u32 = 1u; // @const VALUEs of a pixel; a pixel is a multiple of LANES · COLUMNS, or this is 1
const ROWS: u32 = 1u; // @const rows of y of a thread
alias VALUE = vec4<f32>; // @const f32 where the channels are no multiple of four
alias INDEX = vec4<i32>; // @const i32 along with it
const KERNEL_HEIGHT: u32 = 2u; // @const extents of a window
const KERNEL_WIDTH: u32 = 2u; // @const
const STRIDE_HEIGHT: u32 = 2u; // @const
const STRIDE_WIDTH: u32 = 2u; // @const
const OVERLAP: u32 = 0u; // @const columns that a window shares with the next: KERNEL_WIDTH − STRIDE_WIDTH, at least 0
const CLAMPED: bool = true; // @const whether windows overhang the image
const INDICES: bool = true; // @const whether indices are written

struct Params {
    input: vec2<u32>,
    output: vec2<u32>,
    padding: vec2<u32>,
    channels: u32, // VALUEs in a pixel
    bands: u32, // of ROWS rows in an image of y
    count: u32, // threads
    pad: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<VALUE>;
@group(0) @binding(2) var<storage, read_write> y: array<VALUE>;
@group(0) @binding(3) var<storage, read_write> indices: array<INDEX>;

// The maxima of one column of x, one for each row of y, and where they were found.
struct Column {
    value: array<VALUE, ROWS>,
    place: array<INDEX, ROWS>,
}

// `top` is the first row of the windows in the padded image; `pixels` those of the images before, `channel` counts VALUEs.
fn load(p: Params, top: u32, padded_column: u32, pixels: u32, channel: u32) -> Column {
    var found: Column;
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
        let at = row * p.input.y + column;
        let value = x[(pixels + at) * p.channels + channel];
        // @unroll
        for (var v = 0u; v < ROWS; v++) {
            if (r == v * STRIDE_HEIGHT) {
                found.value[v] = value;
                found.place[v] = INDEX(i32(at));
            } else if (r > v * STRIDE_HEIGHT && r < v * STRIDE_HEIGHT + KERNEL_HEIGHT) {
                if (INDICES) {
                    found.place[v] = select(found.place[v], INDEX(i32(at)), value > found.value[v]);
                }
                found.value[v] = max(found.value[v], value);
            }
        }
    }
    return found;
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
                var best = columns[k * KERNEL_WIDTH].value[v];
                var place = columns[k * KERNEL_WIDTH].place[v];
                // @unroll
                for (var j = 1u; j < KERNEL_WIDTH; j++) {
                    let value = columns[k * KERNEL_WIDTH + j].value[v];
                    if (INDICES) {
                        // Of equal elements the first in row-major order wins.
                        let at = columns[k * KERNEL_WIDTH + j].place[v];
                        place = select(place, at, value > best | (value == best & at < place));
                    }
                    best = max(best, value);
                }
                if (v == 0u || oy + v < p.output.x) {
                    y[to + k * LANES + v * p.output.y * p.channels] = best;
                    if (INDICES) {
                        indices[to + k * LANES + v * p.output.y * p.channels] = place;
                    }
                }
            }
        }
        to += p.channels;
    }
}

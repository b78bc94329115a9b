// grad_x[n, iy, ix, c] = Σ grad_y[n, oy, ox, c] / divisor(oy, ox) over the windows that have a tap at (iy, ix), as
// avg_pool2d_backward_tiles, on a CPU: a thread walks along a row of tiles and keeps the windows that a tile shares with the
// next one, as max_pool2d_backward_walk does.
//
// Layouts: grad_y and grad_x channels-last (N H W C). Pairs are height and width.
// Threads: COLUMNS VALUEs of a pixel each, LANES apart (four channels, or one), channels fastest, over whole rows of tiles.
// Limits: 3 storage buffers, no workgroup memory. A row of tiles has fewer than 65,536.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 8u; // @const distance of a thread's VALUEs: the threads of a subgroup
const COLUMNS: u32 = 1u; // @const VALUEs of a pixel; a pixel is a multiple of LANES · COLUMNS, or this is 1
alias VALUE = vec4<f32>; // @const f32 where the channels are no multiple of four
const KERNEL_HEIGHT: u32 = 3u; // @const extents of a window
const KERNEL_WIDTH: u32 = 3u; // @const
const STRIDE_HEIGHT: u32 = 2u; // @const extents of a tile
const STRIDE_WIDTH: u32 = 2u; // @const
const COVER_HEIGHT: u32 = 2u; // @const windows that cover a tile
const COVER_WIDTH: u32 = 2u; // @const
const WHOLE: bool = false; // @const whether every tile lies in the image and all its windows exist
const DIVISOR: u32 = 0u; // @const 0: params.divisor, 1: taps in the padded image, 2: taps in the image
const AHEAD: bool = false; // @const whether an iteration touches its cache lines first; a pixel is then a multiple of LANES VALUEs
const LINES: u32 = COLUMNS * LANES / 4u; // cache lines of a window's gradients in a subgroup's iteration
const TOUCHES: u32 = (COVER_HEIGHT * LINES + LANES - 1u) / LANES; // of a thread in an iteration

struct Params {
    input: vec2<u32>,
    output: vec2<u32>,
    padding: vec2<u32>,
    tiles: vec2<u32>, // ceil((input + padding) / stride)
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
@group(0) @binding(1) var<storage, read> grad_y: array<Words>;
@group(0) @binding(2) var<storage, read_write> grad_x: array<Words>;
@group(0) @binding(3) var<storage, read> grad_lines: array<u32>; // grad_y again: a 64-bit word would wait for its line by itself

// How many taps of the windows at `window` count along an axis, whose stride, kernel, extent and padding are given.
fn taps(window: u32, stride: u32, kernel: u32, extent: u32, padding: u32) -> u32 {
    // The window reaches from `start` to `end`, in the coordinates of the padded image.
    let start = window * stride;
    let end = start + kernel;
    if (DIVISOR == 1u) {
        return min(end, extent + 2u * padding) - start;
    }
    return min(end, extent + padding) - max(padding, start);
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
    let image = row / p.tiles.x;
    let tile_row = row - image * p.tiles.x;
    let base = image * p.input.x * p.input.y;

    // What the rows of a tile and of its windows have in common, in place of working it out in each iteration of the walk; rows
    // before the image wrap around and are too large.
    var window_row: array<u32, COVER_HEIGHT>;
    var window_taps: array<u32, COVER_HEIGHT>;
    var window_there: array<bool, COVER_HEIGHT>;
    // @unroll
    for (var h = 0u; h < COVER_HEIGHT; h++) {
        let window = tile_row + h + 1u - COVER_HEIGHT;
        window_there[h] = WHOLE || window < p.output.x;
        let near = min(window, p.output.x - 1u);
        window_taps[h] = taps(near, STRIDE_HEIGHT, KERNEL_HEIGHT, p.input.x, p.padding.x);
        window_row[h] = (image * p.output.x + near) * p.output.y * p.channels + channel;
    }
    var in_x: array<u32, STRIDE_HEIGHT>;
    var row_there: array<bool, STRIDE_HEIGHT>;
    // @unroll
    for (var h = 0u; h < STRIDE_HEIGHT; h++) {
        let place = tile_row * STRIDE_HEIGHT - p.padding.x + h;
        row_there[h] = WHOLE || place < p.input.x;
        in_x[h] = (base + place * p.input.y) * p.channels + channel;
    }

    // Which line of a row of windows a thread touches.
    let lane = t % LANES;
    var line: array<u32, TOUCHES>;
    var lines = 0u;
    if (AHEAD) {
        // @unroll
        for (var k = 0u; k < TOUCHES; k++) {
            let n = k * LANES + lane;
            let window = min(tile_row + min(n / LINES, COVER_HEIGHT - 1u) + 1u - COVER_HEIGHT, p.output.x - 1u);
            line[k] = ((image * p.output.x + window) * p.output.y * p.channels + channel - lane) * 4u + n % LINES * 16u;
        }
    }

    // The shares of a tile's windows by column, row and VALUE of the pixel; nothing comes from those before the image.
    var g: array<VALUE, COVER_WIDTH * COVER_HEIGHT * COLUMNS>;
    for (var tile = 0u; tile < p.tiles.y; tile++) {
        // @unroll
        for (var w = 0u; w < (COVER_WIDTH - 1u) * COVER_HEIGHT * COLUMNS; w++) {
            g[w] = g[w + COVER_HEIGHT * COLUMNS];
        }
        let near = min(tile, p.output.y - 1u);
        if (AHEAD) {
            // @unroll
            for (var k = 0u; k < TOUCHES; k++) {
                lines |= grad_lines[line[k] + near * p.channels * 4u];
            }
        }
        let width = taps(near, STRIDE_WIDTH, KERNEL_WIDTH, p.input.y, p.padding.y);
        // @unroll
        for (var w = 0u; w < COVER_HEIGHT * COLUMNS; w++) {
            let at = window_row[w / COLUMNS] + near * p.channels + w % COLUMNS * LANES;
            // One division for all of a pixel's VALUEs; nothing comes from windows that do not exist.
            var share = 1.0 / p.divisor;
            if (DIVISOR != 0u) {
                share = 1.0 / f32(window_taps[w / COLUMNS] * width);
            }
            let there = WHOLE || (window_there[w / COLUMNS] & (tile < p.output.y));
            g[(COVER_WIDTH - 1u) * COVER_HEIGHT * COLUMNS + w] = select(VALUE(0.0), numbers(grad_y[at]) * share, there);
        }
        // @unroll
        for (var e = 0u; e < STRIDE_HEIGHT * STRIDE_WIDTH; e++) {
            // What lies in the padding before the image wraps around and is too large.
            let column = tile * STRIDE_WIDTH - p.padding.y + e % STRIDE_WIDTH;
            if (WHOLE || (row_there[e / STRIDE_WIDTH] & (column < p.input.y))) {
                // @unroll
                for (var k = 0u; k < COLUMNS; k++) {
                    var sum = VALUE(0.0);
                    // @unroll
                    for (var w = 0u; w < COVER_WIDTH * COVER_HEIGHT; w++) {
                        // Only windows that have a tap here.
                        if (e / STRIDE_WIDTH + (COVER_HEIGHT - 1u - w % COVER_HEIGHT) * STRIDE_HEIGHT < KERNEL_HEIGHT
                            && e % STRIDE_WIDTH + (COVER_WIDTH - 1u - w / COVER_HEIGHT) * STRIDE_WIDTH < KERNEL_WIDTH) {
                            sum += g[w * COLUMNS + k];
                        }
                    }
                    grad_x[in_x[e / STRIDE_WIDTH] + column * p.channels + k * LANES] = words(sum);
                }
            }
        }
    }
    // The touched words must be used, or a compiler removes their loads.
    if (AHEAD && p.never != 0u) {
        grad_x[0] = words(VALUE(bitcast<f32>(lines)));
    }
}

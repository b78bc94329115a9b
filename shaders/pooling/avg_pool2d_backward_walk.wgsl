// grad_x[n, iy, ix, c] = Σ grad_y[n, oy, ox, c] / divisor(oy, ox) over the windows that have a tap at (iy, ix), as
// avg_pool2d_backward_tiles, on a CPU: a thread walks along a row of tiles and keeps the windows that a tile shares with the
// next one, as max_pool2d_backward_walk does.
//
// Layouts: grad_y and grad_x channels-last (N H W C). Pairs are height and width.
// Threads: COLUMNS VALUEs of a pixel each, LANES apart (four channels, or one), channels fastest, over whole rows of tiles.
// Limits: 2 storage buffers, no workgroup memory. A row of tiles has fewer than 65,536.

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

struct Params {
    input: vec2<u32>,
    output: vec2<u32>,
    padding: vec2<u32>,
    tiles: vec2<u32>, // ceil((input + padding) / stride)
    channels: u32, // VALUEs in a pixel
    count: u32, // threads
    divisor: f32,
    pad: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> grad_y: array<VALUE>;
@group(0) @binding(2) var<storage, read_write> grad_x: array<VALUE>;

fn divisor(p: Params, window: vec2<u32>) -> f32 {
    if (DIVISOR == 0u) {
        return p.divisor;
    }
    // The window reaches from `start` to `end`, in the coordinates of the padded image.
    let start = window * vec2(STRIDE_HEIGHT, STRIDE_WIDTH);
    let end = start + vec2(KERNEL_HEIGHT, KERNEL_WIDTH);
    var taps = min(end, p.input + 2u * p.padding) - start;
    if (DIVISOR == 2u) {
        taps = min(end, p.input + p.padding) - max(p.padding, start);
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

    // The shares of a tile's windows by column, row and VALUE of the pixel; nothing comes from those before the image.
    var g: array<VALUE, COVER_WIDTH * COVER_HEIGHT * COLUMNS>;
    for (var tile = 0u; tile < p.tiles.y; tile++) {
        // @unroll
        for (var w = 0u; w < (COVER_WIDTH - 1u) * COVER_HEIGHT * COLUMNS; w++) {
            g[w] = g[w + COVER_HEIGHT * COLUMNS];
        }
        // @unroll
        for (var w = 0u; w < COVER_HEIGHT * COLUMNS; w++) {
            // Windows before the image wrap around and are too large.
            let window = vec2(tile_row + w / COLUMNS + 1u - COVER_HEIGHT, tile);
            let near = min(window, p.output - 1u);
            let at = ((image * p.output.x + near.x) * p.output.y + near.y) * p.channels + channel + w % COLUMNS * LANES;
            let share = grad_y[at] / divisor(p, near);
            let there = WHOLE || all(window < p.output);
            g[(COVER_WIDTH - 1u) * COVER_HEIGHT * COLUMNS + w] = select(VALUE(0.0), share, there);
        }
        let first = vec2(tile_row, tile) * vec2(STRIDE_HEIGHT, STRIDE_WIDTH) - p.padding;
        // @unroll
        for (var e = 0u; e < STRIDE_HEIGHT * STRIDE_WIDTH; e++) {
            // What lies in the padding before the image wraps around and is too large.
            let place = first + vec2(e / STRIDE_WIDTH, e % STRIDE_WIDTH);
            if (WHOLE || all(place < p.input)) {
                // @unroll
                for (var k = 0u; k < COLUMNS; k++) {
                    var sum = VALUE(0.0);
                    // @unroll
                    for (var w = 0u; w < COVER_WIDTH * COVER_HEIGHT; w++) {
                        // Which tap of the window this element is.
                        let ky = e / STRIDE_WIDTH + (COVER_HEIGHT - 1u - w % COVER_HEIGHT) * STRIDE_HEIGHT;
                        let kx = e % STRIDE_WIDTH + (COVER_WIDTH - 1u - w / COVER_HEIGHT) * STRIDE_WIDTH;
                        if (ky < KERNEL_HEIGHT && kx < KERNEL_WIDTH) {
                            sum += g[w * COLUMNS + k];
                        }
                    }
                    grad_x[(base + place.x * p.input.y + place.y) * p.channels + channel + k * LANES] = sum;
                }
            }
        }
    }
}

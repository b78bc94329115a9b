// grad_x[n, iy, ix, c] = Σ grad_y[n, oy, ox, c] over the windows whose maximum was found at (iy, ix), as
// max_pool2d_backward_tiles, on a CPU: a thread walks along a row of tiles and keeps what a window gives to the tiles after it,
// so that each is read COVER_HEIGHT times and not COVER_HEIGHT · COVER_WIDTH times. What is kept goes through memory in each
// iteration, and these sums are fewer than the windows.
//
// Layouts: indices, grad_y and grad_x channels-last (N H W C). Pairs are height and width.
// Threads: COLUMNS VALUEs of a pixel each, LANES apart (four channels, or one), channels fastest, over whole rows of tiles.
// Limits: 5 storage buffers, no workgroup memory. A row of tiles has fewer than 65,536.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 8u; // @const distance of a thread's VALUEs: the threads of a subgroup
const COLUMNS: u32 = 1u; // @const VALUEs of a pixel; a pixel is a multiple of LANES · COLUMNS, or this is 1
alias VALUE = vec4<f32>; // @const f32 where the channels are no multiple of four
alias INDEX = vec4<i32>; // @const i32 along with it
const KERNEL_HEIGHT: u32 = 2u; // @const extents of a window
const KERNEL_WIDTH: u32 = 2u; // @const
const STRIDE_HEIGHT: u32 = 2u; // @const extents of a tile
const STRIDE_WIDTH: u32 = 2u; // @const
const COVER_HEIGHT: u32 = 1u; // @const windows that cover a tile
const COVER_WIDTH: u32 = 1u; // @const
const WHOLE: bool = false; // @const whether every tile lies in the image and all its windows exist
const AHEAD: bool = false; // @const whether an iteration touches its cache lines first; a pixel is then a multiple of LANES VALUEs
const LINES: u32 = COLUMNS * LANES / 4u; // cache lines of a window's gradients in a subgroup's iteration
const TOUCHES: u32 = (COVER_HEIGHT * LINES + LANES - 1u) / LANES; // of a thread in an iteration
const TILE: u32 = STRIDE_HEIGHT * STRIDE_WIDTH; // elements of a tile

struct Params {
    input: vec2<u32>,
    output: vec2<u32>,
    padding: vec2<u32>,
    tiles: vec2<u32>, // ceil((input + padding) / stride)
    channels: u32, // VALUEs in a pixel
    count: u32, // threads
    never: u32, // 0
    pad: u32,
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

// @slot places
alias Places = INDEX;

fn indexed(p: Places) -> INDEX {
    return p;
}

fn places(i: INDEX) -> Places {
    return i;
}
// @end

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> indices: array<Places>;
@group(0) @binding(2) var<storage, read> grad_y: array<Words>;
@group(0) @binding(3) var<storage, read_write> grad_x: array<Words>;
@group(0) @binding(4) var<storage, read> index_lines: array<u32>; // both again: a 64-bit word would wait for its line by itself
@group(0) @binding(5) var<storage, read> grad_lines: array<u32>;

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

    // What the windows of earlier tiles give to this tile and to those after it, by tile, element and VALUE.
    var kept: array<VALUE, COVER_WIDTH * TILE * COLUMNS>;
    // @unroll
    for (var i = 0u; i < COVER_WIDTH * TILE * COLUMNS; i++) {
        kept[i] = VALUE(0.0);
    }
    // Which line of a row of windows a thread touches, which begins here.
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
    for (var tile = 0u; tile < p.tiles.y; tile++) {
        if (AHEAD) {
            // @unroll
            for (var k = 0u; k < TOUCHES; k++) {
                let at = line[k] + min(tile, p.output.y - 1u) * p.channels * 4u;
                lines |= index_lines[at] | grad_lines[at];
            }
        }
        // The windows of a tile's last column by row and VALUE; those before the image name no element.
        var found: array<INDEX, COVER_HEIGHT * COLUMNS>;
        var g: array<VALUE, COVER_HEIGHT * COLUMNS>;
        // @unroll
        for (var w = 0u; w < COVER_HEIGHT * COLUMNS; w++) {
            // Windows before the image wrap around and are too large.
            let window = vec2(tile_row + w / COLUMNS + 1u - COVER_HEIGHT, tile);
            let near = min(window, p.output - 1u);
            let at = ((image * p.output.x + near.x) * p.output.y + near.y) * p.channels + channel + w % COLUMNS * LANES;
            let there = WHOLE || all(window < p.output);
            found[w] = select(INDEX(-1), indexed(indices[at]), there);
            g[w] = numbers(grad_y[at]);
        }
        let first = vec2(tile_row, tile) * vec2(STRIDE_HEIGHT, STRIDE_WIDTH) - p.padding;
        // @unroll
        for (var e = 0u; e < TILE; e++) {
            // What lies in the padding before the image wraps around and is too large.
            let place = first + vec2(e / STRIDE_WIDTH, e % STRIDE_WIDTH);
            let at = place.x * p.input.y + place.y;
            let there = WHOLE || all(place < p.input);
            // @unroll
            for (var k = 0u; k < COLUMNS; k++) {
                // This tile is written, those after it move up by one.
                // @unroll
                for (var c = 0u; c < COVER_WIDTH; c++) {
                    var sum = kept[(c * TILE + e) * COLUMNS + k];
                    // @unroll
                    for (var h = 0u; h < COVER_HEIGHT; h++) {
                        // Only windows that have a tap here.
                        if (e / STRIDE_WIDTH + (COVER_HEIGHT - 1u - h) * STRIDE_HEIGHT < KERNEL_HEIGHT
                            && e % STRIDE_WIDTH + c * STRIDE_WIDTH < KERNEL_WIDTH) {
                            let named = found[h * COLUMNS + k] == INDEX(i32(at + c * STRIDE_WIDTH));
                            sum += select(VALUE(0.0), g[h * COLUMNS + k], named);
                        }
                    }
                    if (c == 0u) {
                        if (there) {
                            grad_x[(base + at) * p.channels + channel + k * LANES] = words(sum);
                        }
                    } else {
                        kept[((c + COVER_WIDTH - 1u) % COVER_WIDTH * TILE + e) * COLUMNS + k] = sum;
                    }
                }
            }
        }
    }
    // The touched words must be used, or a compiler removes their loads.
    if (AHEAD && p.never != 0u) {
        grad_x[0] = words(VALUE(bitcast<f32>(lines)));
    }
}

// grad_x[n, iy, ix, c] = scale · grad_y[n, ⌊iy / HEIGHT⌋, ⌊ix / WIDTH⌋, c], the gradient of an average whose windows cut the
// image into tiles of HEIGHT × WIDTH, on a CPU: an element is one store, and a window is loaded once for each row of its tile.
//
// Layouts: grad_y and grad_x channels-last (N H W C).
// Threads: COLUMNS VALUEs of a pixel each, LANES apart (four channels, or one), channels fastest, over whole rows of grad_x.
// Limits: 3 storage buffers, no workgroup memory. A row has fewer than 65,536 pixels and tiles together.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 8u; // @const distance of a thread's VALUEs: the threads of a subgroup
const COLUMNS: u32 = 1u; // @const VALUEs of a pixel; a pixel is a multiple of LANES · COLUMNS, or this is 1
alias VALUE = vec4<f32>; // @const f32 where the channels are no multiple of four
const AHEAD: bool = false; // @const whether an iteration touches its cache lines first; a pixel is then a multiple of LANES VALUEs
const LINES: u32 = COLUMNS * LANES / 4u; // cache lines of a subgroup's iteration

struct Params {
    tiles: u32, // in a row
    height: u32, // extents of a tile
    width: u32,
    channels: u32, // VALUEs in a pixel
    count: u32, // threads
    scale: f32,
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
    var to = row * p.tiles * p.width * p.channels + channel;
    // Rows of all images are numbered in one, and so are those of tiles.
    var from_window = row / p.height * p.tiles * p.channels + channel;
    let lane = t % LANES;
    var lines = 0u;
    for (var tile = 0u; tile < p.tiles; tile++) {
        if (AHEAD) {
            lines |= grad_lines[(from_window - lane) * 4u + lane % LINES * 16u];
        }
        var g: array<VALUE, COLUMNS>;
        // @unroll
        for (var k = 0u; k < COLUMNS; k++) {
            g[k] = numbers(grad_y[from_window + k * LANES]) * p.scale;
        }
        for (var i = 0u; i < p.width; i++) {
            // @unroll
            for (var k = 0u; k < COLUMNS; k++) {
                grad_x[to + k * LANES] = words(g[k]);
            }
            to += p.channels;
        }
        from_window += p.channels;
    }
    // The touched words must be used, or a compiler removes their loads.
    if (AHEAD && p.never != 0u) {
        grad_x[0] = words(VALUE(bitcast<f32>(lines)));
    }
}

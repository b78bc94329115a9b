// grad_x[n, iy, ix, c] = scale · grad_y[n, ⌊iy / HEIGHT⌋, ⌊ix / WIDTH⌋, c], the gradient of an average whose windows cut the
// image into tiles of HEIGHT × WIDTH, on a CPU: an element is one store, and a window is loaded once for each row of its tile.
//
// Layouts: grad_y and grad_x channels-last (N H W C).
// Threads: COLUMNS VALUEs of a pixel each, LANES apart (four channels, or one), channels fastest, over whole rows of grad_x.
// Limits: 2 storage buffers, no workgroup memory. A row has fewer than 65,536 pixels and tiles together.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 8u; // @const distance of a thread's VALUEs: the threads of a subgroup
const COLUMNS: u32 = 1u; // @const VALUEs of a pixel; a pixel is a multiple of LANES · COLUMNS, or this is 1
alias VALUE = vec4<f32>; // @const f32 where the channels are no multiple of four

struct Params {
    tiles: u32, // in a row
    height: u32, // extents of a tile
    width: u32,
    channels: u32, // VALUEs in a pixel
    count: u32, // threads
    scale: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> grad_y: array<VALUE>;
@group(0) @binding(2) var<storage, read_write> grad_x: array<VALUE>;

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
    for (var tile = 0u; tile < p.tiles; tile++) {
        var g: array<VALUE, COLUMNS>;
        // @unroll
        for (var k = 0u; k < COLUMNS; k++) {
            g[k] = grad_y[from_window + k * LANES] * p.scale;
        }
        for (var i = 0u; i < p.width; i++) {
            // @unroll
            for (var k = 0u; k < COLUMNS; k++) {
                grad_x[to + k * LANES] = g[k];
            }
            to += p.channels;
        }
        from_window += p.channels;
    }
}

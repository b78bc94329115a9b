// y[n, oy, ox, c] = max over the taps (ky, kx) of x[n, oy·stride + ky − padding, ox·stride + kx − padding, c], and the index
// in its H·W plane where that was found, as max_pool2d, for small windows without dilation, on a CPU.
//
// A thread walks along a row of y and keeps the maxima of the columns that a window shares with the next one: a
// load is the most expensive step there, and 3×3 with stride 2 takes 6 for a window in place of 9. Taps that overhang are clamped to
// the image, where they read an element that the window holds too.
//
// Layouts: x, y and indices channels-last (N H W C). Pairs are height and width.
// Threads: COLUMNS VALUEs of a pixel each, LANES apart (four channels, or one), channels fastest, over whole rows of y.
// Limits: 3 storage buffers, no workgroup memory. A plane has fewer than 2^31 pixels; a row of y fewer than 65,536.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 8u; // @const distance of a thread's VALUEs: the threads of a subgroup
const COLUMNS: u32 = 1u; // @const VALUEs of a pixel; a pixel is a multiple of LANES · COLUMNS, or this is 1
alias VALUE = vec4<f32>; // @const f32 where the channels are no multiple of four
alias INDEX = vec4<i32>; // @const i32 along with it
const GROUP: u32 = 1u; // @const of them, whose columns are held at once: all where windows do not overlap, else one
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
    count: u32, // threads
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<VALUE>;
@group(0) @binding(2) var<storage, read_write> y: array<VALUE>;
@group(0) @binding(3) var<storage, read_write> indices: array<INDEX>;

// Where in the image a position in the padded image lies along an axis, or the nearest one.
fn clamped(at: u32, padding: u32, extent: u32) -> u32 {
    if (CLAMPED) {
        return min(max(at, padding) - padding, extent - 1u);
    }
    return at;
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

    // The first indices of the rows that a window covers, in the plane and in x; no compiler moves them out of the loop.
    var in_plane: array<u32, KERNEL_HEIGHT>;
    var in_x: array<u32, KERNEL_HEIGHT>;
    // @unroll
    for (var r = 0u; r < KERNEL_HEIGHT; r++) {
        in_plane[r] = clamped(top + r, p.padding.x, p.input.x) * p.input.y;
        in_x[r] = (pixels + in_plane[r]) * p.channels + channel;
    }

    // The columns of a window, each for all VALUEs of a pixel: their maxima, and where these were found. An element wins if it
    // is larger, or NaN: the last NaN is kept, as PyTorch has it. A comparison with NaN is false, v != v too on some drivers.
    // Once a column is whole, the index p of a NaN is written ~p: then of two columns neither of which is the less, the one of
    // the smaller index wins, be it equal elements, NaNs, or a NaN and a number.
    var value: array<VALUE, KERNEL_WIDTH * COLUMNS>;
    var place: array<INDEX, KERNEL_WIDTH * COLUMNS>;
    // @unroll
    for (var r = 0u; r < KERNEL_HEIGHT; r++) {
        // @unroll
        for (var c = 0u; c < OVERLAP * COLUMNS; c++) {
            let column = clamped(c / COLUMNS, p.padding.y, p.input.y);
            let at = INDEX(i32(in_plane[r] + column));
            let v = x[in_x[r] + column * p.channels + c % COLUMNS * LANES];
            let largest = &value[STRIDE_WIDTH * COLUMNS + c];
            let found = &place[STRIDE_WIDTH * COLUMNS + c];
            if (r == 0u) {
                *largest = v;
                *found = at;
            } else {
                let wins = (v > *largest) | !(v == v);
                *largest = select(*largest, v, wins);
                if (INDICES) {
                    *found = select(*found, at, wins);
                }
            }
        }
    }
    if (INDICES) {
        // @unroll
        for (var c = STRIDE_WIDTH * COLUMNS; c < (STRIDE_WIDTH + OVERLAP) * COLUMNS; c++) {
            place[c] = select(~place[c], place[c], value[c] == value[c]);
        }
    }
    var to = row * p.output.y * p.channels + channel;
    for (var ox = 0u; ox < p.output.y; ox++) {
        // @unroll
        for (var c = 0u; c < OVERLAP * COLUMNS; c++) {
            value[c] = value[STRIDE_WIDTH * COLUMNS + c];
            place[c] = place[STRIDE_WIDTH * COLUMNS + c];
        }
        // @unroll
        for (var g = 0u; g < COLUMNS / GROUP; g++) {
            // In the order of memory, which is what prefetchers follow.
            // @unroll
            for (var r = 0u; r < KERNEL_HEIGHT; r++) {
                // @unroll
                for (var c = OVERLAP * GROUP; c < KERNEL_WIDTH * GROUP; c++) {
                    let column = clamped(ox * STRIDE_WIDTH + c / GROUP, p.padding.y, p.input.y);
                    let at = INDEX(i32(in_plane[r] + column));
                    let v = x[in_x[r] + column * p.channels + (g * GROUP + c % GROUP) * LANES];
                    let largest = &value[c / GROUP * COLUMNS + g * GROUP + c % GROUP];
                    let found = &place[c / GROUP * COLUMNS + g * GROUP + c % GROUP];
                    if (r == 0u) {
                        *largest = v;
                        *found = at;
                    } else {
                        let wins = (v > *largest) | !(v == v);
                        *largest = select(*largest, v, wins);
                        if (INDICES) {
                            *found = select(*found, at, wins);
                        }
                    }
                }
            }
            if (INDICES) {
                // @unroll
                for (var c = OVERLAP * GROUP; c < KERNEL_WIDTH * GROUP; c++) {
                    let i = c / GROUP * COLUMNS + g * GROUP + c % GROUP;
                    place[i] = select(~place[i], place[i], value[i] == value[i]);
                }
            }
            // @unroll
            for (var i = 0u; i < GROUP; i++) {
                var best = value[g * GROUP + i];
                var best_at = place[g * GROUP + i];
                // @unroll
                for (var j = 1u; j < KERNEL_WIDTH; j++) {
                    let v = value[j * COLUMNS + g * GROUP + i];
                    var wins = (v > best) | !(v == v);
                    if (INDICES) {
                        let at = place[j * COLUMNS + g * GROUP + i];
                        wins = (v > best) | (!(v < best) & (at < best_at));
                        best_at = select(best_at, at, wins);
                    }
                    best = select(best, v, wins);
                }
                y[to + (g * GROUP + i) * LANES] = best;
                if (INDICES) {
                    indices[to + (g * GROUP + i) * LANES] = max(best_at, ~best_at);
                }
            }
        }
        to += p.channels;
    }
}

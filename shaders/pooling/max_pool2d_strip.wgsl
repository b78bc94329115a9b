// y[n, oy, ox, c] = max over the taps (ky, kx) of x[n, oy·stride + ky − padding, ox·stride + kx − padding, c], and the index
// in its H·W plane where that was found, as max_pool2d, for small windows that overlap along a row, without dilation, on a CPU.
//
// As avg_pool2d_strip, a thread walks over ROWS rows of y at once, and the VALUEs of a pixel take turns: 3×3 with stride 2
// loads 10 elements for two results in place of 12. Taps that overhang are clamped to the image, as in max_pool2d_walk.
//
// Layouts: x, y and indices channels-last (N H W C). Pairs are height and width.
// Threads: COLUMNS VALUEs of a pixel each, LANES apart (four channels, or one), channels fastest, over ROWS whole rows of y.
// Limits: 4 storage buffers, no workgroup memory. A plane has fewer than 2^31 pixels; COLUMNS rows of y fewer than 65,536.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 8u; // @const distance of a thread's VALUEs: the threads of a subgroup
const COLUMNS: u32 = 1u; // @const VALUEs of a pixel; a pixel is a multiple of LANES · COLUMNS, or this is 1
alias VALUE = vec4<f32>; // @const f32 where the channels are no multiple of four
alias INDEX = vec4<i32>; // @const i32 along with it
const ROWS: u32 = 2u; // @const rows of y
const WHOLE: bool = false; // @const whether y's height is a multiple of ROWS
const KERNEL_HEIGHT: u32 = 3u; // @const extents of a window
const KERNEL_WIDTH: u32 = 3u; // @const
const STRIDE_HEIGHT: u32 = 2u; // @const
const STRIDE_WIDTH: u32 = 2u; // @const less than KERNEL_WIDTH
const CLAMPED: bool = true; // @const whether windows overhang the image
const INDICES: bool = true; // @const whether indices are written
const AHEAD: bool = false; // @const whether an iteration touches its cache lines first; a pixel is then a multiple of LANES VALUEs
const X_ROWS: u32 = (ROWS - 1u) * STRIDE_HEIGHT + KERNEL_HEIGHT;
const OVERLAP: u32 = KERNEL_WIDTH - STRIDE_WIDTH; // columns that a window shares with the next
const KEPT: u32 = ROWS * OVERLAP; // maxima that a VALUE leaves for its next iteration
const LINES: u32 = STRIDE_WIDTH * LANES / 4u; // cache lines of a row of x in a subgroup's iteration
const TOUCHES: u32 = (X_ROWS * LINES + LANES - 1u) / LANES; // of a thread in an iteration

struct Params {
    input: vec2<u32>,
    output: vec2<u32>,
    padding: vec2<u32>,
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
@group(0) @binding(1) var<storage, read> x: array<Words>;
@group(0) @binding(2) var<storage, read_write> y: array<Words>;
@group(0) @binding(3) var<storage, read_write> indices: array<Places>;
@group(0) @binding(4) var<storage, read> x_lines: array<u32>; // x again: a 64-bit word would wait for its line by itself

// A VALUE of which the index p of a NaN is written ~p, so that of two the smaller index wins, as max_pool2d_walk has it.
struct Found {
    value: VALUE,
    place: INDEX,
}

// The same once a column is whole.
fn whole(f: Found) -> Found {
    if (INDICES) {
        return Found(f.value, select(~f.place, f.place, f.value == f.value));
    }
    return f;
}

// Where in the image a position in the padded image lies along an axis, or the nearest one.
fn clamped(at: u32, padding: u32, extent: u32) -> u32 {
    if (CLAMPED) {
        return min(max(at, padding) - padding, extent - 1u);
    }
    return at;
}

// Whether the window of the thread's row `j` of y holds its row `r` of x.
fn holds(j: u32, r: u32) -> bool {
    return r >= j * STRIDE_HEIGHT && r < j * STRIDE_HEIGHT + KERNEL_HEIGHT;
}

// The larger of what a column has and the next of its elements, or that if it is NaN: the last is kept, as PyTorch has it.
fn next(so_far: Found, v: VALUE, at: INDEX) -> Found {
    let wins = (v > so_far.value) | !(v == v);
    var place = so_far.place;
    if (INDICES) {
        place = select(place, at, wins);
    }
    return Found(select(so_far.value, v, wins), place);
}

// The better of two whole columns: neither of which is the less, the one of the smaller index.
fn better(best: Found, f: Found) -> Found {
    var wins = (f.value > best.value) | !(f.value == f.value);
    var place = best.place;
    if (INDICES) {
        wins = (f.value > best.value) | (!(f.value < best.value) & (f.place < best.place));
        place = select(place, f.place, wins);
    }
    return Found(select(best.value, f.value, wins), place);
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

    // Where the rows of x begin in the plane, and in x. Those of a row of y that is not there may lie below the image.
    var in_plane: array<u32, X_ROWS>;
    var in_x: array<u32, X_ROWS>;
    // @unroll
    for (var r = 0u; r < X_ROWS; r++) {
        let at = clamped(first * STRIDE_HEIGHT + r, p.padding.x, p.input.x);
        in_plane[r] = min(at, p.input.x - 1u) * p.input.y;
        in_x[r] = (pixels + in_plane[r]) * p.channels + channel;
    }
    // Which line of an iteration a thread touches: of which row, from where on, and of which pixel.
    let lane = t % LANES;
    var line: array<u32, TOUCHES>;
    var of_row: array<u32, TOUCHES>;
    var lines = 0u;
    if (AHEAD) {
        // @unroll
        for (var k = 0u; k < TOUCHES; k++) {
            let n = min(k * LANES + lane, X_ROWS * LINES - 1u);
            let at = min(clamped(first * STRIDE_HEIGHT + n / LINES, p.padding.x, p.input.x), p.input.x - 1u);
            line[k] = ((pixels + at * p.input.y) * p.channels + channel - lane) * 4u + n % (LANES / 4u) * 16u;
            of_row[k] = n % LINES / (LANES / 4u);
        }
    }

    // The maxima of columns: those that a window takes over, for each VALUE in its iteration, and those of a window.
    var kept: array<Found, COLUMNS * KEPT>;
    // @unroll
    for (var r = 0u; r < X_ROWS; r++) {
        // @unroll
        for (var k = 0u; k < COLUMNS * OVERLAP; k++) {
            let column = clamped(k % OVERLAP, p.padding.y, p.input.y);
            let at = INDEX(i32(in_plane[r] + column));
            let v = numbers(x[in_x[r] + column * p.channels + k / OVERLAP * LANES]);
            // @unroll
            for (var j = 0u; j < ROWS; j++) {
                let i = k / OVERLAP * KEPT + j * OVERLAP + k % OVERLAP;
                if (r == j * STRIDE_HEIGHT) {
                    kept[i] = Found(v, at);
                } else if (holds(j, r)) {
                    kept[i] = next(kept[i], v, at);
                }
            }
        }
    }
    // @unroll
    for (var i = 0u; i < COLUMNS * KEPT; i++) {
        kept[i] = whole(kept[i]);
    }

    let row = p.output.y * p.channels;
    let to = (image * p.output.x + first) * row + channel;
    for (var turn = 0u; turn < p.output.y * COLUMNS; turn++) {
        let ox = turn / COLUMNS;
        let of_pixel = turn % COLUMNS * LANES;
        if (AHEAD) {
            // @unroll
            for (var k = 0u; k < TOUCHES; k++) {
                let at = clamped(ox * STRIDE_WIDTH + OVERLAP + of_row[k], p.padding.y, p.input.y);
                lines |= x_lines[line[k] + (at * p.channels + of_pixel) * 4u];
            }
        }
        var found: array<Found, ROWS * KERNEL_WIDTH>;
        // @unroll
        for (var j = 0u; j < ROWS; j++) {
            // @unroll
            for (var c = 0u; c < OVERLAP; c++) {
                found[j * KERNEL_WIDTH + c] = kept[j * OVERLAP + c];
            }
        }
        // An element is compared where it counts as soon as it is there: few are held at a time.
        // @unroll
        for (var r = 0u; r < X_ROWS; r++) {
            // @unroll
            for (var c = OVERLAP; c < KERNEL_WIDTH; c++) {
                let column = clamped(ox * STRIDE_WIDTH + c, p.padding.y, p.input.y);
                let at = INDEX(i32(in_plane[r] + column));
                let v = numbers(x[in_x[r] + column * p.channels + of_pixel]);
                // @unroll
                for (var j = 0u; j < ROWS; j++) {
                    if (r == j * STRIDE_HEIGHT) {
                        found[j * KERNEL_WIDTH + c] = Found(v, at);
                    } else if (holds(j, r)) {
                        found[j * KERNEL_WIDTH + c] = next(found[j * KERNEL_WIDTH + c], v, at);
                    }
                }
            }
            // @unroll
            for (var j = 0u; j < ROWS; j++) {
                if (r == j * STRIDE_HEIGHT + KERNEL_HEIGHT - 1u) {
                    // @unroll
                    for (var c = OVERLAP; c < KERNEL_WIDTH; c++) {
                        found[j * KERNEL_WIDTH + c] = whole(found[j * KERNEL_WIDTH + c]);
                    }
                    var best = found[j * KERNEL_WIDTH];
                    // @unroll
                    for (var c = 1u; c < KERNEL_WIDTH; c++) {
                        best = better(best, found[j * KERNEL_WIDTH + c]);
                    }
                    if (WHOLE || first + j < p.output.x) {
                        y[to + j * row + ox * p.channels + of_pixel] = words(best.value);
                        if (INDICES) {
                            indices[to + j * row + ox * p.channels + of_pixel] = places(max(best.place, ~best.place));
                        }
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
                kept[(COLUMNS - 1u) * KEPT + j * OVERLAP + c] = found[j * KERNEL_WIDTH + STRIDE_WIDTH + c];
            }
        }
    }
    // The touched words must be used, or a compiler removes their loads.
    if (AHEAD && p.never != 0u) {
        y[0] = words(VALUE(bitcast<f32>(lines)));
    }
}

// grad_x[n, iy, ix, c] = Σ grad_y[n, oy, ox, c] over the windows whose maximum was found at (iy, ix), as max_pool2d_backward,
// for small windows without dilation.
//
// The padded image is cut into tiles of one stride. A tile's elements are covered by the same COVER_HEIGHT × COVER_WIDTH
// windows at most, ⌈kernel / stride⌉ on each axis: their indices and gradients are read once, and all the tile written.
//
// Layouts: indices, grad_y and grad_x channels-last (N H W C). Pairs are height and width.
// Threads: VECTORS tiles of one VALUE each (four channels, or one), LANES apart, channels fastest. An element gathers from
//   the windows that name it, so that the order of the sum is fixed.
// Limits: 3 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 32u; // @const distance of a thread's VALUEs: threads of a subgroup stay together
const VECTORS: u32 = 1u; // @const VALUEs of a thread
alias VALUE = vec4<f32>; // @const f32 where the channels are no multiple of four
alias INDEX = vec4<i32>; // @const i32 along with it
const STRIDE_HEIGHT: u32 = 2u; // @const extents of a tile
const STRIDE_WIDTH: u32 = 2u; // @const
const COVER_HEIGHT: u32 = 1u; // @const windows that cover a tile
const COVER_WIDTH: u32 = 1u; // @const
const WHOLE: bool = false; // @const whether every tile lies in the image and all its windows exist

struct Params {
    input: vec2<u32>,
    output: vec2<u32>,
    padding: vec2<u32>,
    tiles: vec2<u32>, // ceil((input + padding) / stride)
    by_channels: vec2<u32>, // magic number and shift of `channels`
    by_height: vec2<u32>, // those of `tiles`
    by_width: vec2<u32>,
    channels: u32, // VALUEs in a pixel
    count: u32, // VALUEs of all tiles
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> indices: array<INDEX>;
@group(0) @binding(2) var<storage, read> grad_y: array<VALUE>;
@group(0) @binding(3) var<storage, read_write> grad_x: array<VALUE>;

// n / d for n < 2^31, where `by` is the magic number of d and its shift: an integer division is tens of instructions on a
// GPU and one lane after the other on a CPU (Granlund and Montgomery, Division by invariant integers, PLDI 1994).
fn quotient(n: u32, by: vec2<u32>) -> u32 {
    let low = n & 0xffffu;
    let high = n >> 16u;
    let middle = high * (by.x & 0xffffu) + ((low * (by.x & 0xffffu)) >> 16u);
    let rest = (middle & 0xffffu) + low * (by.x >> 16u);
    return (high * (by.x >> 16u) + (middle >> 16u) + (rest >> 16u) + n) >> by.y;
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
    let begin = t / LANES * (LANES * VECTORS) + t % LANES;
    let behind = min(begin + LANES * VECTORS, p.count);
    for (var i = begin; i < behind; i += LANES) {
        let pixel = quotient(i, p.by_channels);
        let channel = i - pixel * p.channels;
        let row = quotient(pixel, p.by_width);
        let image = quotient(row, p.by_height);
        let tile = vec2(row - image * p.tiles.x, pixel - row * p.tiles.y);

        var found: array<INDEX, COVER_HEIGHT * COVER_WIDTH>;
        var g: array<VALUE, COVER_HEIGHT * COVER_WIDTH>;
        // @unroll
        for (var w = 0u; w < COVER_HEIGHT * COVER_WIDTH; w++) {
            // From the first window on; those before the image wrap around and are too large.
            let window = tile + vec2(w / COVER_WIDTH, w % COVER_WIDTH) + 1u - vec2(COVER_HEIGHT, COVER_WIDTH);
            let there = WHOLE || all(window < p.output);
            let near = min(window, p.output - 1u);
            let at = ((image * p.output.x + near.x) * p.output.y + near.y) * p.channels + channel;
            found[w] = select(INDEX(-1), indices[at], there);
            g[w] = grad_y[at];
        }
        let base = image * p.input.x * p.input.y;
        let first = tile * vec2(STRIDE_HEIGHT, STRIDE_WIDTH);
        // @unroll
        for (var e = 0u; e < STRIDE_HEIGHT * STRIDE_WIDTH; e++) {
            // What lies in the padding before the image wraps around and is too large.
            let place = first + vec2(e / STRIDE_WIDTH, e % STRIDE_WIDTH) - p.padding;
            if (WHOLE || all(place < p.input)) {
                let at = place.x * p.input.y + place.y;
                var sum = VALUE(0.0);
                // @unroll
                for (var w = 0u; w < COVER_HEIGHT * COVER_WIDTH; w++) {
                    sum += select(VALUE(0.0), g[w], found[w] == INDEX(i32(at)));
                }
                grad_x[(base + at) * p.channels + channel] = sum;
            }
        }
    }
}

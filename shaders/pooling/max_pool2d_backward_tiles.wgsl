// grad_x[n, iy, ix, c] = grad_y of the window that covers (iy, ix) if its maximum was found there, else 0, where windows touch
// and do not overlap (stride = kernel, no padding, no dilation): each element belongs to one window at most.
//
// Layouts: indices, grad_y and grad_x channels-last (N H W C). Pairs are height and width.
// Threads: VECTORS tiles of one VALUE each (four channels, or one), LANES apart, channels fastest. A tile is a window, or the
//   rest of the image that no window covers; its index and gradient are read once and all its elements written.
// Limits: 3 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 32u; // @const distance of a thread's VALUEs: threads of a subgroup stay together
const VECTORS: u32 = 1u; // @const VALUEs of a thread
alias VALUE = vec4<f32>; // @const f32 where the channels are no multiple of four
const WHOLE: bool = false; // @const whether every tile lies in the image and is KERNEL_HEIGHT × KERNEL_WIDTH
const KERNEL_HEIGHT: u32 = 2u; // @const only if WHOLE
const KERNEL_WIDTH: u32 = 2u; // @const only if WHOLE
alias INDEX = vec4<i32>; // @const i32 along with it

struct Params {
    input: vec2<u32>,
    output: vec2<u32>,
    kernel: vec2<u32>,
    tiles: vec2<u32>, // ceil(input / kernel)
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
    let t = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    let begin = t / LANES * (LANES * VECTORS) + t % LANES;
    let behind = min(begin + LANES * VECTORS, params.count);
    for (var i = begin; i < behind; i += LANES) {
        let pixel = quotient(i, params.by_channels);
        let channel = i - pixel * params.channels;
        let row = quotient(pixel, params.by_width);
        let image = quotient(row, params.by_height);
        let tile = vec2(row - image * params.tiles.x, pixel - row * params.tiles.y);

        var found = INDEX(-1);
        var g = VALUE(0.0);
        if (WHOLE || all(tile < params.output)) {
            let at = ((image * params.output.x + tile.x) * params.output.y + tile.y) * params.channels + channel;
            found = indices[at];
            g = grad_y[at];
        }
        let first = tile * params.kernel;
        // Loops of constant length are written out by the driver's compiler.
        var taps = vec2(KERNEL_HEIGHT, KERNEL_WIDTH);
        if (!WHOLE) {
            taps = min(params.kernel, params.input - first);
        }
        let base = image * params.input.x * params.input.y;
        for (var ky = 0u; ky < taps.x; ky++) {
            for (var kx = 0u; kx < taps.y; kx++) {
                let at = (first.x + ky) * params.input.y + first.y + kx;
                grad_x[(base + at) * params.channels + channel] = select(VALUE(0.0), g, found == INDEX(i32(at)));
            }
        }
    }
}

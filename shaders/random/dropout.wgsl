// y[i] = u ≥ p ? scale · x[i] : 0, where u is the uniform number of the element's row-major index. The gradient is the
// same function of grad_y: the mask is drawn again, not kept (Srivastava et al., JMLR 15, 2014).
//
// Philox 4×32 with ten rounds (Salmon et al., SC 2011), as in `random_fill`: the counter is (index / 4, 0, stream), the
// key the seed, and an element takes word index mod 4.
//
// Layouts: x and y alike; the mask does not depend on the layout. Row-major, the elements of a vec4 share a block.
//   Channels-last, a block is four pixels of one channel: a tile of four pixels and four channels draws four blocks for its
//   four vec4s. Where pixels or channels are no multiple of four, each element draws a block of its own.
// Threads: VECTORS vec4s (or tiles) each, LANES apart, BLOCKS at a time (tiles one); workgroups are folded over the grid's axes.
// Limits: 3 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 32u; // @const distance of a thread's vec4s: threads of a subgroup stay together
const VECTORS: u32 = 1u; // @const vec4s (or tiles) of a thread
const BLOCKS: u32 = 1u; // @const vec4s of an iteration, which divide VECTORS: their rounds, each a long chain, run side by side
const CHANNELS_LAST: bool = false; // @const whether memory is N H W C
const AHEAD: bool = false; // @const whether a thread touches a cache line of its subgroup's iteration first: none is partial, and each has as many lines as threads
const TILES: bool = false; // @const only if CHANNELS_LAST: whether both C and H · W are multiples of four

struct Params {
    vectors: u32, // ceil(count / 4), or the tiles
    seed_low: u32,
    seed_high: u32,
    stream_low: u32,
    stream_high: u32,
    threshold: u32, // ceil(p · 2^24)
    scale: f32, // 1 / (1 − p)
    channels: u32,
    pixels: u32, // H · W
    never: u32, // 0
    by_channels: vec2<u32>, // magic number and shift for C / 4
    by_pixels: vec2<u32>, // and for H · W / 4
}

// @slot words
alias Words = vec4<f32>;

fn numbers(w: Words) -> vec4<f32> {
    return w;
}

fn words(v: vec4<f32>) -> Words {
    return v;
}
// @end

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Words>;
@group(0) @binding(2) var<storage, read_write> y: array<Words>;
@group(0) @binding(3) var<storage, read> x_lines: array<u32>; // x again: a 64-bit word would wait for its line by itself

// @slot philox
// The state of a block, in words whose lower 32 bits count.
alias Word = u32;

// The 64 bits of a · b as (low, high), from products of 16-bit halves: WGSL has no wider multiplication.
fn multiply_wide(a: u32, b: u32) -> vec2<u32> {
    let low = (a & 0xffffu) * (b & 0xffffu);
    let cross0 = (a & 0xffffu) * (b >> 16u);
    let cross1 = (a >> 16u) * (b & 0xffffu);
    let middle = (low >> 16u) + (cross0 & 0xffffu) + (cross1 & 0xffffu);
    return vec2(a * b, (a >> 16u) * (b >> 16u) + (cross0 >> 16u) + (cross1 >> 16u) + (middle >> 16u));
}

fn next(counter: vec4<Word>, key: vec2<Word>) -> vec4<Word> {
    let first = multiply_wide(0xd2511f53u, counter.x);
    let second = multiply_wide(0xcd9e8d57u, counter.z);
    return vec4(second.y ^ counter.y ^ key.x, second.x, first.y ^ counter.w ^ key.y, first.x);
}
// @end

fn seed(p: Params, block: u32) -> vec4<Word> {
    return vec4<Word>(vec4(block, 0u, p.stream_low, p.stream_high));
}

fn first_key(p: Params) -> vec2<Word> {
    return vec2<Word>(vec2(p.seed_low, p.seed_high));
}

// The golden ratio and √3 − 1 as binary fractions.
fn next_key(key: vec2<Word>) -> vec2<Word> {
    return key + vec2<Word>(vec2(0x9e3779b9u, 0xbb67ae85u));
}

fn philox(p: Params, block: u32) -> vec4<u32> {
    var counter = seed(p, block);
    var key = first_key(p);
    // @unroll
    for (var round = 0u; round < 10u; round++) {
        counter = next(counter, key);
        key = next_key(key);
    }
    return vec4<u32>(counter);
}

// The word of the element that lies at the index `place` in N H W C.
fn word_at(p: Params, place: u32) -> u32 {
    let pixel = place / p.channels;
    let image = pixel / p.pixels;
    let index = (image * p.channels + place % p.channels) * p.pixels + pixel % p.pixels;
    let block = philox(p, index / 4u);
    return block[index % 4u];
}

// An element stays where its number is p or more: 24 bits over 2^24 are exact, in [0, 1), and so is the first such number.
fn keep(p: Params, x: Words, drawn: vec4<u32>) -> Words {
    return words(select(vec4(0.0), numbers(x) * p.scale, (drawn >> vec4(8u)) >= vec4(p.threshold)));
}

// n / d for n < 2^31, where `magic` and `shift` belong to d: an integer division is tens of instructions on a GPU and one
// lane after the other on a CPU (Granlund and Montgomery, Division by invariant integers, PLDI 1994).
fn quotient(n: u32, by: vec2<u32>) -> u32 {
    let low = n & 0xffffu;
    let high = n >> 16u;
    let middle = high * (by.x & 0xffffu) + ((low * (by.x & 0xffffu)) >> 16u);
    let rest = (middle & 0xffffu) + low * (by.x >> 16u);
    return (high * (by.x >> 16u) + (middle >> 16u) + (rest >> 16u) + n) >> by.y;
}

// Four pixels of four channels; gives what was touched.
fn tile(p: Params, i: u32, lane: u32) -> u32 {
    let step = p.channels / 4u;
    let fours = p.pixels / 4u;
    // The number of these four pixels, counted over all images.
    let place = quotient(i, p.by_channels);
    let c = i - place * step;
    let image = quotient(place, p.by_pixels);
    let at = 4u * place * step + c;
    var line = 0u;
    if (AHEAD) {
        // Two lines of each pixel.
        line = x_lines[4u * (at - lane + lane / 2u * step) + lane % 2u * 16u];
    }
    let block = (image * p.channels + 4u * c) * fours + place - image * fours;
    var w0 = seed(p, block);
    var w1 = seed(p, block + fours);
    var w2 = seed(p, block + 2u * fours);
    var w3 = seed(p, block + 3u * fours);
    var key = first_key(p);
    // @unroll
    for (var round = 0u; round < 10u; round++) {
        w0 = next(w0, key);
        w1 = next(w1, key);
        w2 = next(w2, key);
        w3 = next(w3, key);
        key = next_key(key);
    }
    y[at] = keep(p, x[at], vec4<u32>(vec4(w0.x, w1.x, w2.x, w3.x)));
    y[at + step] = keep(p, x[at + step], vec4<u32>(vec4(w0.y, w1.y, w2.y, w3.y)));
    y[at + 2u * step] = keep(p, x[at + 2u * step], vec4<u32>(vec4(w0.z, w1.z, w2.z, w3.z)));
    y[at + 3u * step] = keep(p, x[at + 3u * step], vec4<u32>(vec4(w0.w, w1.w, w2.w, w3.w)));
    return line;
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
    let lane = t % LANES;
    let start = t / LANES * (LANES * VECTORS) + lane;
    let end = min(start + LANES * VECTORS, p.vectors);
    // The last vec4 of this thread: those beyond it do the same again.
    let last = start + (end - 1u - start) / LANES * LANES;
    // 0 for certain, which no compiler may know.
    let zero = select(0u, 1u, p.vectors == 0u);
    var lines = 0u;
    for (var i = start; i < end; i += LANES * BLOCKS) {
        if (CHANNELS_LAST && TILES) {
            lines |= tile(p, i, lane);
        } else if (CHANNELS_LAST) {
            y[i] = keep(p, x[i], vec4(word_at(p, 4u * i), word_at(p, 4u * i + 1u), word_at(p, 4u * i + 2u), word_at(p, 4u * i + 3u)));
        } else {
            var at: array<u32, BLOCKS>;
            var values: array<Words, BLOCKS>;
            var blocks: array<vec4<Word>, BLOCKS>;
            if (AHEAD) {
                lines |= x_lines[(i - lane) * 4u + lane * 16u];
            }
            // @unroll
            for (var b = 0u; b < BLOCKS; b++) {
                at[b] = min(i + b * LANES, last);
                values[b] = x[at[b]];
                blocks[b] = seed(p, at[b]);
            }
            var key = first_key(p);
            // @unroll
            for (var round = 0u; round < 10u; round++) {
                // @unroll
                for (var b = 0u; b < BLOCKS; b++) {
                    blocks[b] = next(blocks[b], key);
                }
                key = next_key(key);
            }
            // Each store waits for all blocks, as llvmpipe would put off the rounds of a block until its own, one chain
            // of steps after the other.
            var all = 0u;
            // @unroll
            for (var b = 0u; b < BLOCKS; b++) {
                all |= u32(blocks[b].x);
            }
            // @unroll
            for (var b = 0u; b < BLOCKS; b++) {
                y[at[b] + (all & zero)] = keep(p, values[b], vec4<u32>(blocks[b]));
            }
        }
    }
    // The touched words must be used, or a compiler removes their loads.
    if (AHEAD && params.never != 0u) {
        y[0] = words(vec4(bitcast<f32>(lines)));
    }
}

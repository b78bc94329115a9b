// y[4 i .. 4 i + 4] = f(words of block i): random numbers of the distribution in the slot.
//
// Philox 4×32 with ten rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011): the counter is
// (block, 0, stream), the key the seed, so that a number is a function of seed, stream and its row-major index alone.
//
// Layouts: y is row-major.
// Threads: VECTORS blocks of four elements each, LANES apart; workgroups are folded over the grid's axes.
// Limits: 1 storage buffer, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 32u; // @const distance of a thread's blocks: threads of a subgroup stay together
const VECTORS: u32 = 1u; // @const blocks of a thread

struct Params {
    blocks: u32, // ceil(count / 4)
    seed_low: u32,
    seed_high: u32,
    stream_low: u32,
    stream_high: u32,
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
@group(0) @binding(1) var<storage, read_write> y: array<Words>;

// @slot distribution
fn distribution(words: vec4<u32>) -> vec4<f32> {
    // 24 bits over 2^24: exact, in [0, 1).
    return vec4<f32>(words >> vec4(8u)) * 5.9604644775390625e-8;
}
// @end

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

fn philox(p: Params, block: u32) -> vec4<u32> {
    var counter = vec4<Word>(vec4(block, 0u, p.stream_low, p.stream_high));
    var key = vec2<Word>(vec2(p.seed_low, p.seed_high));
    // @unroll
    for (var round = 0u; round < 10u; round++) {
        counter = next(counter, key);
        // The golden ratio and √3 − 1 as binary fractions.
        key += vec2<Word>(vec2(0x9e3779b9u, 0xbb67ae85u));
    }
    return vec4<u32>(counter);
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
    let start = t / LANES * (LANES * VECTORS) + t % LANES;
    let end = min(start + LANES * VECTORS, p.blocks);
    for (var i = start; i < end; i += LANES) {
        y[i] = words(distribution(philox(p, i)));
    }
}

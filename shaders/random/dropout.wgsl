// y[i] = u ≥ p ? scale · x[i] : 0, where u is the uniform number of the element's row-major index. The gradient is the
// same function of grad_y: the mask is drawn again, not kept (Srivastava et al., JMLR 15, 2014).
//
// Philox 4×32 with ten rounds (Salmon et al., SC 2011), as in `random_fill`: the counter is (index / 4, 0, stream), the
// key the seed, and an element takes word index mod 4.
//
// Layouts: x and y alike. Row-major, the four elements of a thread share a block; channels-last, their row-major indices
//   are far apart and each draws its own block: more arithmetic, but every access is to neighbours, and the mask does not
//   depend on the layout.
// Threads: one vec4 in memory each; workgroups are folded over the grid's axes.
// Limits: 2 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const CHANNELS_LAST: bool = false; // @const whether memory is N H W C

struct Params {
    vectors: u32, // ceil(count / 4)
    seed_low: u32,
    seed_high: u32,
    stream_low: u32,
    stream_high: u32,
    p: f32,
    scale: f32, // 1 / (1 − p)
    channels: u32,
    pixels: u32, // H · W
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;

// The 64 bits of a · b as (low, high), from products of 16-bit halves: WGSL has no wider multiplication.
fn multiply_wide(a: u32, b: u32) -> vec2<u32> {
    let low = (a & 0xffffu) * (b & 0xffffu);
    let cross0 = (a & 0xffffu) * (b >> 16u);
    let cross1 = (a >> 16u) * (b & 0xffffu);
    let middle = (low >> 16u) + (cross0 & 0xffffu) + (cross1 & 0xffffu);
    return vec2(a * b, (a >> 16u) * (b >> 16u) + (cross0 >> 16u) + (cross1 >> 16u) + (middle >> 16u));
}

fn philox(block: u32) -> vec4<u32> {
    var counter = vec4(block, 0u, params.stream_low, params.stream_high);
    var key = vec2(params.seed_low, params.seed_high);
    // @unroll
    for (var round = 0u; round < 10u; round++) {
        let first = multiply_wide(0xd2511f53u, counter.x);
        let second = multiply_wide(0xcd9e8d57u, counter.z);
        counter = vec4(second.y ^ counter.y ^ key.x, second.x, first.y ^ counter.w ^ key.y, first.x);
        // The golden ratio and √3 − 1 as binary fractions.
        key += vec2(0x9e3779b9u, 0xbb67ae85u);
    }
    return counter;
}

// The word of the element that lies at `place` in N H W C.
fn word_at(place: u32) -> u32 {
    let pixel = place / params.channels;
    let image = pixel / params.pixels;
    let index = (image * params.channels + place % params.channels) * params.pixels + pixel % params.pixels;
    let block = philox(index / 4u);
    return block[index % 4u];
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let i = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    if (i >= params.vectors) {
        return;
    }
    var words: vec4<u32>;
    if (CHANNELS_LAST) {
        words = vec4(word_at(4u * i), word_at(4u * i + 1u), word_at(4u * i + 2u), word_at(4u * i + 3u));
    } else {
        words = philox(i);
    }
    // 24 bits over 2^24: exact, in [0, 1).
    let u = vec4<f32>(words >> vec4(8u)) * 5.9604644775390625e-8;
    y[i] = select(vec4(0.0), x[i] * params.scale, u >= vec4(params.p));
}

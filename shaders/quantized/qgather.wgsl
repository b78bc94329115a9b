// y[o, j, i] = x[o, indices[j], i] of bytes: elements along one axis, which resizing to the nearest element is made of. 0 for an
// index that is outside.
//
// Layouts: any; x and y have the same one, four bytes in a word. In memory an axis has `inner` bytes between neighbours, `extent`
//   of them in x and `places` in y.
// Threads: VECTORS words of y each, LANES apart; workgroups are folded over the grid's axes. With WORDS `inner` is a multiple of
//   four, and words move whole.
// Limits: 3 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 32u; // @const distance of a thread's words: threads of a subgroup stay together
const VECTORS: u32 = 1u; // @const words of a thread
const WORDS: bool = false; // @const the axis is one of whole words

struct Params {
    count: u32, // words of y
    inner: u32, // bytes, or words with WORDS
    extent: u32,
    places: u32,
    elements: u32, // of y
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read> indices: array<i32>;
@group(0) @binding(3) var<storage, read_write> y: array<u32>;

/// Where element `at` of y comes from, and whether from anywhere.
fn source(at: u32) -> vec2<u32> {
    let line = at / params.inner;
    let index = indices[line % params.places];
    let inside = index >= 0 && u32(index) < params.extent;
    let from_line = line / params.places * params.extent + u32(max(index, 0));
    return vec2(select(0u, from_line * params.inner + at % params.inner, inside), u32(inside));
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let t = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    let begin = t / LANES * (LANES * VECTORS) + t % LANES;
    let end = min(begin + LANES * VECTORS, params.count);
    for (var i = begin; i < end; i += LANES) {
        if (WORDS) {
            let place = source(i);
            y[i] = x[place.x] * place.y;
        } else {
            var word = 0u;
            for (var b = 0u; b < 4u; b++) {
                // What is behind the last element is nobody's.
                if (4u * i + b < params.elements) {
                    let place = source(4u * i + b);
                    word |= (((x[place.x >> 2u] >> (8u * (place.x & 3u))) & 255u) * place.y) << (8u * b);
                }
            }
            y[i] = word;
        }
    }
}

// keep[b, i] = 1 unless a box before i that is kept has bit i in its row of the mask, or i has no class (below 0).
//
// Layouts: classes and keep are images × count; mask is images × words × rows, as nms_mask writes it. Boxes stand best first.
// Threads: a workgroup for each image, which goes through blocks of 32 boxes: all threads resolve the block in registers, then
//   each takes over, into the words that it owns, the bits of those that were kept.
// Limits: 3 storage buffers, 4 · WORDS bytes of workgroup memory. Steps of a thread: words · (9 + 5 · words / WORKGROUP), some 30,000
//   for the 32,768 boxes whose mask is 128 MiB. Nothing is unrolled: software Vulkan took seconds to compile that.

const WORKGROUP: u32 = 256u; // @const threads in a workgroup, 32 at least
const WORDS: u32 = 2048u; // @const words of an image at most

struct Params {
    first: u32, // image of the first mask
    count: u32, // boxes of an image
    words: u32, // of 32 boxes
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> classes: array<i32>;
@group(0) @binding(2) var<storage, read> mask: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> keep: array<i32>;

// Boxes that are gone.
var<workgroup> gone: array<u32, WORDS>;

// n, as the bound of a loop that compilers shall leave a loop.
fn unknown(n: u32) -> u32 {
    return select(n, 0u, params.count == 0u);
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let image = group.x + grid.x * (group.y + grid.y * group.z);
    let base = (params.first + image) * params.count;
    // vec4s of a word's rows.
    let rows = params.words * 8u;
    let masks = image * params.words * rows;
    for (var word = thread; word < params.words; word += WORKGROUP) {
        var none = 0u;
        for (var bit = 0u; bit < unknown(32u); bit++) {
            let i = word * 32u + bit;
            if (i >= params.count || classes[base + min(i, params.count - 1u)] < 0) {
                none |= 1u << bit;
            }
        }
        gone[word] = none;
    }
    workgroupBarrier();
    for (var block = 0u; block < params.words; block++) {
        var lost = gone[block];
        for (var four = 0u; four < unknown(8u); four++) {
            let own = mask[masks + block * rows + block * 8u + four];
            let bits = vec4(four * 4u) + vec4(0u, 1u, 2u, 3u);
            // A row counts as long as its box is not lost; rows behind the last box are not written.
            lost |= select(own.x, 0u, ((lost >> bits.x) & 1u) == 1u);
            lost |= select(own.y, 0u, ((lost >> bits.y) & 1u) == 1u);
            lost |= select(own.z, 0u, ((lost >> bits.z) & 1u) == 1u);
            lost |= select(own.w, 0u, ((lost >> bits.w) & 1u) == 1u);
        }
        let i = block * 32u + thread;
        if (thread < 32u && i < params.count) {
            keep[base + i] = i32(1u - ((lost >> thread) & 1u));
        }
        if (lost != 0xffffffffu) {
            var word = block / WORKGROUP * WORKGROUP + thread;
            if (word <= block) {
                word += WORKGROUP;
            }
            for (; word < params.words; word += WORKGROUP) {
                var found = vec4(0u);
                        for (var four = 0u; four < unknown(8u); four++) {
                    let out = (vec4(lost) >> (vec4(four * 4u) + vec4(0u, 1u, 2u, 3u))) & vec4(1u);
                    found |= select(mask[masks + word * rows + block * 8u + four], vec4(0u), out == vec4(1u));
                }
                gone[word] |= found.x | found.y | found.z | found.w;
            }
        }
        workgroupBarrier();
    }
}

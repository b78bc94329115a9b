// y[q] = Σ p[q, k] · value[k] with p[q] the softmax of scale · query[q] · key[k] + mask[q, k] over the keys, and log_sum[q] the
// logarithm of its divisor with the largest score in it, in one pass over the keys: where a larger score comes, the sums so
// far are scaled (Milakov and Gimelshein, arXiv 1805.02867; Dao et al., arXiv 2205.14135). No score is stored.
//
// Layouts: query is heads × queries × head, key heads × keys × head, value heads × keys × width, y heads × queries × width,
//   log_sum heads × queries; the mask is read by the strides of batch, head and query. Any extents, up to HEAD and WIDTH vec4s.
// Threads: one query of a head each, with its sums, in registers. A workgroup brings KEYS keys and values at a time to
//   workgroup memory, from where all its threads read the same vec4 at once.
// Limits: 6 storage buffers, KEYS · (HEAD + WIDTH) · 16 bytes of workgroup memory; keys / KEYS < 65,536, which is as far as
//   some drivers loop.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const KEYS: u32 = 16u; // @const keys of a tile, whole fours of them
const HEAD: u32 = 16u; // @const vec4s of a query and of a key
const WIDTH: u32 = 16u; // @const vec4s of a value
const MASKED: bool = false; // @const whether a mask is added to the scores
const CAUSAL: bool = false; // @const whether a query sees no key behind its own place
const KEY_TILE: u32 = KEYS * HEAD;
const VALUE_TILE: u32 = KEYS * WIDTH;

struct Params {
    heads: u32, // of a batch
    blocks: u32, // of a head's queries
    workgroups: u32,
    queries: u32,
    keys: u32,
    mask_batch: u32, // strides, 0 where all share it
    mask_head: u32,
    mask_query: u32,
    scale: f32,
    head: u32, // numbers of a query
    width: u32, // and of a value
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> query: array<f32>;
@group(0) @binding(2) var<storage, read> key: array<f32>;
@group(0) @binding(3) var<storage, read> value: array<f32>;
@group(0) @binding(4) var<storage, read> mask: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;
@group(0) @binding(6) var<storage, read_write> log_sum: array<f32>;

var<workgroup> keys: array<vec4<f32>, KEY_TILE>;
var<workgroup> values: array<vec4<f32>, VALUE_TILE>;

fn quad_of_key(row: u32, at: u32) -> vec4<f32> {
    let i = row * params.head + at;
    let left = params.head - min(at, params.head);
    var v = vec4<f32>();
    if (left > 0u) { v.x = key[i]; }
    if (left > 1u) { v.y = key[i + 1u]; }
    if (left > 2u) { v.z = key[i + 2u]; }
    if (left > 3u) { v.w = key[i + 3u]; }
    return v;
}

fn quad_of_value(row: u32, at: u32) -> vec4<f32> {
    let i = row * params.width + at;
    let left = params.width - min(at, params.width);
    var v = vec4<f32>();
    if (left > 0u) { v.x = value[i]; }
    if (left > 1u) { v.y = value[i + 1u]; }
    if (left > 2u) { v.z = value[i + 2u]; }
    if (left > 3u) { v.w = value[i + 3u]; }
    return v;
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let id = group.x + grid.x * (group.y + grid.y * group.z);
    // A surplus group goes through the last one's work and stores nothing: all reach the barriers.
    let block = min(id, params.workgroups - 1u);
    let head = block / params.blocks;
    let first = (block % params.blocks) * WORKGROUP;
    let last_query = params.queries - 1u;
    let place = min(first + thread, last_query);
    let row = head * params.queries + place;
    let mask_base = (head / params.heads) * params.mask_batch + (head % params.heads) * params.mask_head;
    let mask_at = mask_base + place * params.mask_query;
    // Not as constants, which WGSL refuses.
    var infinity_bits = 0x7f800000u;
    var nan_bits = 0x7fc00000u;
    let infinity = bitcast<f32>(infinity_bits);

    var q: array<vec4<f32>, HEAD>;
    // @unroll
    for (var d = 0u; d < HEAD; d++) {
        // @unroll
        for (var j = 0u; j < 4u; j++) {
            if (4u * d + j < params.head) {
                q[d][j] = query[row * params.head + 4u * d + j] * params.scale;
            }
        }
    }
    // Finite, so that no distance of two infinities comes up.
    var largest = -3.4028234e38;
    var sum = 0.0;
    var sums: array<vec4<f32>, WIDTH>;
    let seen = select(params.keys, min(params.keys, first + WORKGROUP), CAUSAL);
    for (var start = 0u; start < seen; start += KEYS) {
        workgroupBarrier();
        for (var i = thread; i < KEY_TILE; i += WORKGROUP) {
            let k = min(start + i / HEAD, params.keys - 1u);
            keys[i] = quad_of_key(head * params.keys + k, 4u * (i % HEAD));
        }
        for (var i = thread; i < VALUE_TILE; i += WORKGROUP) {
            let k = min(start + i / WIDTH, params.keys - 1u);
            values[i] = quad_of_value(head * params.keys + k, 4u * (i % WIDTH));
        }
        workgroupBarrier();
        // Four keys at a time, so that the sums are scaled once for them.
        for (var t = 0u; t < KEYS; t += 4u) {
            var s = vec4<f32>();
            // @unroll
            for (var d = 0u; d < HEAD; d++) {
                // @unroll
                for (var j = 0u; j < 4u; j++) {
                    s[j] += dot(q[d], keys[(t + j) * HEAD + d]);
                }
            }
            // @unroll
            for (var j = 0u; j < 4u; j++) {
                let k = start + t + j;
                if (MASKED) {
                    s[j] += mask[mask_at + min(k, params.keys - 1u)];
                }
                var there = k < params.keys;
                if (CAUSAL) {
                    there = there & (k <= place);
                }
                s[j] = select(-infinity, s[j], there);
            }
            let now = max(largest, max(max(s.x, s.y), max(s.z, s.w)));
            let shrink = exp(largest - now);
            let p = exp(s - now);
            sum = sum * shrink + ((p.x + p.y) + (p.z + p.w));
            largest = now;
            // @unroll
            for (var d = 0u; d < WIDTH; d++) {
                let even = p.x * values[t * WIDTH + d] + p.y * values[(t + 1u) * WIDTH + d];
                let odd = p.z * values[(t + 2u) * WIDTH + d] + p.w * values[(t + 3u) * WIDTH + d];
                sums[d] = sums[d] * shrink + (even + odd);
            }
        }
    }
    if (id >= params.workgroups || first + thread > last_query) {
        return;
    }
    // A query that sees no key gives 0. No term is above 1: the sum is infinite, or none, where a score is NaN or infinite.
    let nan = bitcast<f32>(nan_bits);
    let by = select(select(nan, 1.0 / sum, sum < 3e38), 0.0, sum == 0.0);
    log_sum[row] = select(nan, select(largest + log(sum), 0.0, sum == 0.0), sum < 3e38);
    // @unroll
    for (var d = 0u; d < WIDTH; d++) {
        // @unroll
        for (var j = 0u; j < 4u; j++) {
            if (4u * d + j < params.width) {
                y[row * params.width + 4u * d + j] = sums[d][j] * by;
            }
        }
    }
}

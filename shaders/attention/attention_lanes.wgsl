// y[q] = Σ p[q, k] · value[k] with p[q] the softmax of scale · query[q] · key[k] + mask[q, k] over the keys, and log_sum[q] the
// logarithm of its divisor with the largest score in it, in one pass over the keys: where a larger score comes, the sums so
// far are scaled (Milakov and Gimelshein, arXiv 1805.02867; Dao et al., arXiv 2205.14135). No score is stored. For software
// Vulkan.
//
// Layouts: query is heads × queries × HEAD vec4s, key heads × keys × HEAD, value heads × keys × WIDTH, y heads × queries ×
//   WIDTH, log_sum heads × queries; the mask is read by the strides of batch, head and query.
// Threads: a subgroup of LANES for each LANES · ROWS queries of a head; a lane has ROWS of them, with their sums, in private
//   memory. For LANES keys at a time each lane loads a vec4 of its own key (or value), which reaches the other lanes by a
//   shuffle from a constant lane: of what costs most here, loads, every one is used for LANES · ROWS queries.
// Limits: 6 storage buffers, no workgroup memory; subgroups of exactly LANES lanes; keys / LANES < 65,536, which is as far
//   as some drivers loop.

const LANES: u32 = 8u; // @const threads of a subgroup, which is a workgroup
const ROWS: u32 = 4u; // @const queries of a lane
const HEAD: u32 = 16u; // @const vec4s of a query and of a key
const WIDTH: u32 = 16u; // @const vec4s of a value
const MASKED: bool = false; // @const whether a mask is added to the scores
const CAUSAL: bool = false; // @const whether a query sees no key behind its own place
const SCORES: u32 = ROWS * LANES;
const HEADS: u32 = ROWS * HEAD;
const SUMS: u32 = ROWS * WIDTH;

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
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> query: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> key: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> value: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> mask: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> log_sum: array<f32>;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(subgroup_invocation_id) lane: u32,
) {
    let id = group.x + grid.x * (group.y + grid.y * group.z);
    // A surplus group goes through the last one's work and stores nothing: cheaper here than a masked body.
    let block = min(id, params.workgroups - 1u);
    let head = block / params.blocks;
    let first = (block % params.blocks) * (LANES * ROWS);
    let last_query = params.queries - 1u;
    let stores = select(0u, params.queries, id < params.workgroups); // places before it are stored
    // Not as a constant, which WGSL refuses.
    var infinity_bits = 0x7f800000u;
    let infinity = bitcast<f32>(infinity_bits);

    var place: array<u32, ROWS>; // of a query, the last one again beyond the end
    var mask_at: array<u32, ROWS>;
    let mask_base = (head / params.heads) * params.mask_batch + (head % params.heads) * params.mask_head;
    // @unroll
    for (var r = 0u; r < ROWS; r++) {
        place[r] = min(first + r * LANES + lane, last_query);
        mask_at[r] = mask_base + place[r] * params.mask_query;
    }
    // A loop, because on software Vulkan a load is 2 KB of machine code: what it loads comes in from the right.
    var q: array<vec4<f32>, HEADS>;
    for (var d = 0u; d < HEAD; d++) {
        // @unroll
        for (var r = 0u; r < ROWS; r++) {
            // @unroll
            for (var i = 1u; i < HEAD; i++) {
                q[r * HEAD + i - 1u] = q[r * HEAD + i];
            }
            q[r * HEAD + HEAD - 1u] = query[(head * params.queries + place[r]) * HEAD + d] * params.scale;
        }
    }

    // Finite, so that no distance of two infinities comes up.
    var largest: array<f32, ROWS>;
    var sum: array<f32, ROWS>;
    var sums: array<vec4<f32>, SUMS>;
    // @unroll
    for (var r = 0u; r < ROWS; r++) {
        largest[r] = -3.4028234e38;
    }
    let seen = select(params.keys, min(params.keys, first + LANES * ROWS), CAUSAL);
    let last_key = params.keys - 1u;
    for (var k = 0u; k < seen; k += LANES) {
        let own = head * params.keys + min(k + lane, last_key);
        var s = array<f32, SCORES>();
        // @unroll
        for (var d = 0u; d < HEAD; d++) {
            let mine = key[own * HEAD + d];
            // @unroll
            for (var t = 0u; t < LANES; t++) {
                let theirs = subgroupShuffle(mine, t);
                // @unroll
                for (var r = 0u; r < ROWS; r++) {
                    let w = q[r * HEAD + d];
                    s[r * LANES + t] += w.x * theirs.x + w.y * theirs.y + w.z * theirs.z + w.w * theirs.w;
                }
            }
        }
        var shrink: array<f32, ROWS>;
        // @unroll
        for (var r = 0u; r < ROWS; r++) {
            var now = largest[r];
            // @unroll
            for (var t = 0u; t < LANES; t++) {
                var score = s[r * LANES + t];
                if (MASKED) {
                    score += mask[mask_at[r] + min(k + t, last_key)];
                }
                var there = k + t < params.keys;
                if (CAUSAL) {
                    there = there & (k + t <= place[r]);
                }
                score = select(-infinity, score, there);
                s[r * LANES + t] = score;
                now = max(now, score);
            }
            shrink[r] = exp(largest[r] - now);
            largest[r] = now;
            var all = sum[r] * shrink[r];
            // @unroll
            for (var t = 0u; t < LANES; t++) {
                let p = exp(s[r * LANES + t] - now);
                s[r * LANES + t] = p;
                all += p;
            }
            sum[r] = all;
        }
        // @unroll
        for (var d = 0u; d < WIDTH; d++) {
            let mine = value[own * WIDTH + d];
            // @unroll
            for (var r = 0u; r < ROWS; r++) {
                sums[r * WIDTH + d] = sums[r * WIDTH + d] * shrink[r];
            }
            // @unroll
            for (var t = 0u; t < LANES; t++) {
                let theirs = subgroupShuffle(mine, t);
                // @unroll
                for (var r = 0u; r < ROWS; r++) {
                    sums[r * WIDTH + d] += s[r * LANES + t] * theirs;
                }
            }
        }
    }

    var nan_bits = 0x7fc00000u;
    var by: array<f32, ROWS>;
    // @unroll
    for (var r = 0u; r < ROWS; r++) {
        // A query that sees no key gives 0. No term is above 1: the sum is infinite, or none, where a score is NaN or infinite.
        let good = select(bitcast<f32>(nan_bits), 1.0 / sum[r], sum[r] < 3e38);
        by[r] = select(good, 0.0, sum[r] == 0.0);
        if (first + r * LANES + lane < stores) {
            let total = select(largest[r] + log(sum[r]), 0.0, sum[r] == 0.0);
            log_sum[head * params.queries + place[r]] = select(bitcast<f32>(nan_bits), total, sum[r] < 3e38);
        }
    }
    // What the loop indexes is a copy, so that the sums above are no array in memory.
    var out = sums;
    for (var turn = 0u; turn < WIDTH; turn++) {
        let d = subgroupShuffle(turn, 0u);
        // @unroll
        for (var r = 0u; r < ROWS; r++) {
            if (first + r * LANES + lane < stores) {
                y[(head * params.queries + place[r]) * WIDTH + d] = out[r * WIDTH + d] * by[r];
            }
        }
    }
}

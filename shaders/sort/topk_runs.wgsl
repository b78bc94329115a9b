// Sorts runs of RUN candidates of each line and keeps the first of each: (key, place) ascending, so that of equal keys the
// lower place comes first. A key is the element's bits in an order of their own: see `key`.
//
// The network is Batcher's merge exchange (Knuth, The Art of Computer Programming 3, 5.2.2, algorithm M), in registers.
//
// Layouts: x is before × along × after. Candidates are x itself; or pairs, `count` for each line one behind the other; or the
//   elements of the groups whose delegates lie in `places` (see `topk_delegates`). Results are pairs, `results` for each
//   line; or, where LAST, the elements and their places, before × kept × after.
// Threads: one run each.
// Limits: 5 storage buffers, no workgroup memory; RUN = 2 ^ LOG.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const RUN: u32 = 16u; // @const candidates of a run
const LOG: u32 = 4u; // @const its logarithm
const STORED: u32 = 16u; // @const results of a run at most
const PAIRS: bool = false; // @const whether candidates are pairs
const GROUPS: bool = false; // @const whether candidates are the elements of chosen groups
const LAST: bool = false; // @const whether there is one run for each line, and its results are the operation's

const NONE: u32 = 0xffffffffu; // as key and as place: behind every candidate

struct Params {
    lines: u32,
    along: u32, // elements of a line of x
    after: u32, // distance of its elements
    flip: u32, // all bits where the largest comes first, else 0
    count: u32, // candidates of a line
    lists: u32, // runs of a line
    kept: u32, // results of a run
    results: u32, // of a line
    groups: u32, // groups of a line
    members: u32, // elements of a group
    lines_first: u32, // whether neighbouring threads have neighbouring lines
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read> keys: array<u32>;
@group(0) @binding(3) var<storage, read> places: array<u32>;
@group(0) @binding(4) var<storage, read_write> to_keys: array<u32>; // or elements of x
@group(0) @binding(5) var<storage, read_write> to_places: array<u32>;

// Unsigned numbers in the order of floats: -0 is 0, and a NaN, which only its bits tell, is above infinity.
fn key(bits: u32) -> u32 {
    let size = bits & 0x7fffffffu;
    var ordered = select(bits | 0x80000000u, ~bits, bits != size);
    ordered = select(ordered, 0x80000000u, size == 0u);
    ordered = select(ordered, 0xffffffffu, size > 0x7f800000u);
    return ordered ^ params.flip;
}

// Where the line begins in a tensor whose axis has `extent` elements.
fn start(line: u32, extent: u32) -> u32 {
    return line / params.after * extent * params.after + line % params.after;
}

fn candidate(line: u32, base: u32, at: u32) -> vec2<u32> {
    if (PAIRS) {
        let i = line * params.count + at;
        return vec2(keys[i], places[i]);
    }
    if (GROUPS) {
        let rank = at / params.members;
        let group = places[line * (params.count / params.members) + rank] % params.groups;
        let place = group + (at - rank * params.members) * params.groups;
        // The last member of some groups is beyond the line.
        let inside = place < params.along;
        let bits = x[base + select(0u, place, inside) * params.after];
        return select(vec2(NONE), vec2(key(bits), place), inside);
    }
    return vec2(key(x[base + at * params.after]), at);
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let i = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    if (i >= params.lines * params.lists) {
        return;
    }
    let line = select(i / params.lists, i % params.lines, params.lines_first != 0u);
    let list = select(i % params.lists, i / params.lines, params.lines_first != 0u);
    let first = list * RUN;
    let left = min(params.count - first, RUN);
    let base = start(line, params.along);
    var run_keys: array<u32, RUN>;
    var run_places: array<u32, RUN>;
    // @unroll
    for (var j = 0u; j < RUN; j++) {
        let pair = candidate(line, base, min(first + j, params.count - 1u));
        run_keys[j] = select(NONE, pair.x, j < left);
        run_places[j] = select(NONE, pair.y, j < left);
    }
    // @unroll
    for (var s = 0u; s < LOG; s++) {
        let span = 1u << (LOG - 1u - s);
        // @unroll
        for (var u = 0u; u < s + 1u; u++) {
            // The span itself at first. Written out, all of this is constant.
            let later = min(u, 1u);
            let distance = later * ((1u << (LOG - u)) - span) + (1u - later) * span;
            let half = later * span;
            // @unroll
            for (var a = 0u; a < RUN; a++) {
                let b = min(a + distance, RUN - 1u);
                if ((a & span) == half && a + distance < RUN) {
                    let swap = run_keys[b] < run_keys[a]
                        || (run_keys[b] == run_keys[a] && run_places[b] < run_places[a]);
                    let key_a = select(run_keys[a], run_keys[b], swap);
                    let place_a = select(run_places[a], run_places[b], swap);
                    run_keys[b] = select(run_keys[b], run_keys[a], swap);
                    run_places[b] = select(run_places[b], run_places[a], swap);
                    run_keys[a] = key_a;
                    run_places[a] = place_a;
                }
            }
        }
    }
    let stored = min(left, params.kept);
    // @unroll
    for (var j = 0u; j < STORED; j++) {
        if (j < stored) {
            if (LAST) {
                let to = start(line, params.kept) + j * params.after;
                to_keys[to] = x[base + run_places[j] * params.after];
                to_places[to] = run_places[j];
            } else {
                let to = line * params.results + list * params.kept + j;
                to_keys[to] = run_keys[j];
                to_places[to] = run_places[j];
            }
        }
    }
}

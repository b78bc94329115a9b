// As `topk_runs`, by a workgroup for each run, for GPUs: a thread sorts OWN candidates in registers, and the workgroup merges
// what its threads sorted in workgroup memory.
//
// A thread merges OWN results in each turn, from where a binary search along a diagonal says (Odeh et al., Merge Path, IPDPSW
// 2012; in workgroup memory as in Green et al., GPU Merge Path, ICS 2012).
//
// Layouts: those of `topk_runs`.
// Threads: WORKGROUP for each run of WORKGROUP · OWN candidates; neighbours read neighbours.
// Limits: 5 storage buffers, 8 · WORKGROUP · OWN bytes of workgroup memory (16 KiB for 256 threads); OWN = 2 ^ LOG, and
//   WORKGROUP is a power of two.

const WORKGROUP: u32 = 256u; // @const threads in a workgroup
const OWN: u32 = 8u; // @const candidates of a thread
const LOG: u32 = 3u; // @const its logarithm
const PAIRS: bool = false; // @const whether candidates are pairs
const GROUPS: bool = false; // @const whether candidates are the elements of chosen groups
const LAST: bool = false; // @const whether there is one run for each line, and its results are the operation's

const RUN: u32 = WORKGROUP * OWN;
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
    lines_first: u32, // whether neighbouring workgroups have neighbouring lines
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read> keys: array<u32>;
@group(0) @binding(3) var<storage, read> places: array<u32>;
@group(0) @binding(4) var<storage, read_write> to_keys: array<u32>; // or elements of x
@group(0) @binding(5) var<storage, read_write> to_places: array<u32>;

var<workgroup> pairs: array<vec2<u32>, RUN>;

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

fn precedes(a: vec2<u32>, b: vec2<u32>) -> bool {
    return a.x < b.x || (a.x == b.x && a.y < b.y);
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let i = group.x + grid.x * (group.y + grid.y * group.z);
    let present = i < params.lines * params.lists;
    let line = select(0u, select(i / params.lists, i % params.lines, params.lines_first != 0u), present);
    let list = select(0u, select(i % params.lists, i / params.lines, params.lines_first != 0u), present);
    let first = list * RUN;
    let left = select(0u, min(params.count - first, RUN), present);
    let base = start(line, params.along);
    var own: array<vec2<u32>, OWN>;
    // @unroll
    for (var j = 0u; j < OWN; j++) {
        let at = j * WORKGROUP + thread;
        let pair = candidate(line, base, min(first + at, params.count - 1u));
        own[j] = select(vec2(NONE), pair, at < left);
    }
    // Batcher's merge exchange (Knuth, The Art of Computer Programming 3, 5.2.2, algorithm M).
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
            for (var a = 0u; a < OWN; a++) {
                let b = min(a + distance, OWN - 1u);
                if ((a & span) == half && a + distance < OWN) {
                    let swap = precedes(own[b], own[a]);
                    let low = select(own[a], own[b], swap);
                    own[b] = select(own[b], own[a], swap);
                    own[a] = low;
                }
            }
        }
    }
    let begin = thread * OWN;
    // @unroll
    for (var j = 0u; j < OWN; j++) {
        pairs[begin + j] = own[j];
    }
    workgroupBarrier();
    for (var length = OWN; length < RUN; length *= 2u) {
        // Two neighbouring lists, and what of their merged list is this thread's.
        let a_start = begin / (2u * length) * 2u * length;
        let b_start = a_start + length;
        let mine = begin - a_start;
        var a = mine - min(mine, length);
        var high = min(mine, length);
        while (a < high) {
            let middle = (a + high) / 2u;
            if (precedes(pairs[a_start + middle], pairs[b_start + mine - 1u - middle])) {
                a = middle + 1u;
            } else {
                high = middle;
            }
        }
        var b = mine - a;
        var head_a = select(vec2(NONE), pairs[a_start + min(a, length - 1u)], a < length);
        var head_b = select(vec2(NONE), pairs[b_start + min(b, length - 1u)], b < length);
        // @unroll
        for (var j = 0u; j < OWN; j++) {
            let takes_a = precedes(head_a, head_b) || b >= length;
            own[j] = select(head_b, head_a, takes_a);
            a += select(0u, 1u, takes_a);
            b += select(1u, 0u, takes_a);
            let at = select(b, a, takes_a);
            let next = pairs[select(b_start, a_start, takes_a) + min(at, length - 1u)];
            let head = select(vec2(NONE), next, at < length);
            head_a = select(head_a, head, takes_a);
            head_b = select(head, head_b, takes_a);
        }
        workgroupBarrier();
        // @unroll
        for (var j = 0u; j < OWN; j++) {
            pairs[begin + j] = own[j];
        }
        workgroupBarrier();
    }
    for (var j = thread; j < min(left, params.kept); j += WORKGROUP) {
        if (LAST) {
            let to = start(line, params.kept) + j * params.after;
            to_keys[to] = x[base + pairs[j].y * params.after];
            to_places[to] = pairs[j].y;
        } else {
            let to = line * params.results + list * params.kept + j;
            to_keys[to] = pairs[j].x;
            to_places[to] = pairs[j].y;
        }
    }
}

// Merges neighbouring sorted lists of each line by twos and keeps the first of each: (key, place) ascending.
//
// A thread finds where its stretch of the result begins in both lists by a binary search along a diagonal (Odeh et al.,
// Merge Path, IPDPSW 2012), and merges from there on its own.
//
// Layouts: pairs, `count` for each line, in lists of `length` one behind the other, of which the last may be shorter.
//   Results are pairs likewise, `results` for each line in lists of `kept`; or, where LAST, the elements and their places,
//   before × kept × after.
// Threads: `stretch` results each.
// Limits: 5 storage buffers, no workgroup memory; stretch < 65,000, for the loops of some drivers end there.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LAST: bool = false; // @const whether there are no more than two lists for each line, and the results are the operation's

const NONE: u32 = 0xffffffffu; // as key and as place: behind every pair

struct Params {
    lines: u32,
    along: u32, // elements of a line of x
    after: u32, // distance of its elements
    count: u32, // pairs of a line
    length: u32, // of a list
    lists: u32, // lists of results of a line
    kept: u32, // results of a list
    results: u32, // of a line
    parts: u32, // threads of a list of results
    stretch: u32, // results of a thread
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read> keys: array<u32>;
@group(0) @binding(3) var<storage, read> places: array<u32>;
@group(0) @binding(4) var<storage, read_write> to_keys: array<u32>; // or elements of x
@group(0) @binding(5) var<storage, read_write> to_places: array<u32>;

// Where the line begins in a tensor whose axis has `extent` elements.
fn start(line: u32, extent: u32) -> u32 {
    return line / params.after * extent * params.after + line % params.after;
}

fn precedes(a: vec2<u32>, b: vec2<u32>) -> bool {
    return a.x < b.x || (a.x == b.x && a.y < b.y);
}

// The pair at `at`, or what is behind every pair.
fn pair(at: u32, inside: bool) -> vec2<u32> {
    let i = select(0u, at, inside);
    return select(vec2(NONE), vec2(keys[i], places[i]), inside);
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let i = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    if (i >= params.lines * params.lists * params.parts) {
        return;
    }
    let part = i % params.parts;
    let list = i / params.parts % params.lists;
    let line = i / params.parts / params.lists;
    // The two lists.
    let first = 2u * list * params.length;
    let left = params.count - first;
    let a_count = min(left, params.length);
    let b_count = min(left - a_count, params.length);
    let a_start = line * params.count + first;
    let b_start = a_start + a_count;
    let begin = part * params.stretch;
    let end = min(min(begin + params.stretch, params.kept), a_count + b_count);
    if (begin >= end) {
        return;
    }
    // How many of the first `begin` results come from the first list.
    var a = begin - min(begin, b_count);
    var high = min(begin, a_count);
    while (a < high) {
        let middle = (a + high) / 2u;
        let from_a = vec2(keys[a_start + middle], places[a_start + middle]);
        let b_at = b_start + begin - 1u - middle;
        if (precedes(from_a, vec2(keys[b_at], places[b_at]))) {
            a = middle + 1u;
        } else {
            high = middle;
        }
    }
    var b = begin - a;
    var head_a = pair(a_start + a, a < a_count);
    var head_b = pair(b_start + b, b < b_count);
    let base = start(line, params.along);
    for (var j = begin; j < end; j++) {
        let takes_a = precedes(head_a, head_b);
        let head = select(head_b, head_a, takes_a);
        if (LAST) {
            let to = start(line, params.kept) + j * params.after;
            to_keys[to] = x[base + head.y * params.after];
            to_places[to] = head.y;
        } else {
            let to = line * params.results + list * params.kept + j;
            to_keys[to] = head.x;
            to_places[to] = head.y;
        }
        a += select(0u, 1u, takes_a);
        b += select(1u, 0u, takes_a);
        let next = pair(
            select(b_start + b, a_start + a, takes_a),
            select(b < b_count, a < a_count, takes_a),
        );
        head_a = select(head_a, next, takes_a);
        head_b = select(next, head_b, takes_a);
    }
}

// The best element of each group of a line, as (key, place): element i is in group i mod `groups`. Of equal keys the lower
// place is the better one.
//
// The k best elements of a line lie in the k groups with the best delegates (Gaihre et al., Dr. Top-k, SC 2021), so that the
// rest of the line is read this once.
//
// Layouts: x is before × along × after; results are pairs, `groups` for each line one behind the other.
// Threads: one group each, so that neighbours read neighbours.
// Limits: 3 storage buffers, no workgroup memory; `members` < 65,536, which is as far as the loops of some drivers go.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup

struct Params {
    lines: u32,
    along: u32, // elements of a line
    after: u32, // distance of its elements
    flip: u32, // all bits where the largest comes first, else 0
    groups: u32, // of a line
    lines_first: u32, // whether neighbouring threads have neighbouring lines
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read_write> to_keys: array<u32>;
@group(0) @binding(3) var<storage, read_write> to_places: array<u32>;

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

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let i = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    if (i >= params.lines * params.groups) {
        return;
    }
    let line = select(i / params.groups, i % params.lines, params.lines_first != 0u);
    let mine = select(i % params.groups, i / params.lines, params.lines_first != 0u);
    let base = start(line, params.along);
    var best = key(x[base + mine * params.after]);
    var place = mine;
    for (var at = mine + params.groups; at < params.along; at += params.groups) {
        let other = key(x[base + at * params.after]);
        // Strictly: the first of equal ones stays.
        place = select(place, at, other < best);
        best = min(best, other);
    }
    let to = line * params.groups + mine;
    to_keys[to] = best;
    to_places[to] = place;
}

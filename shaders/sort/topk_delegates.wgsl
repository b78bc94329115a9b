// The best element of each group of a line, as (key, place): element i is in group i mod `groups`. Of equal keys the lower
// place is the better one.
//
// The k best elements of a line lie in the k groups with the best delegates (Gaihre et al., Dr. Top-k, SC 2021), so that the
// rest of the line is read this once.
//
// Layouts: x is before × along × after; results are pairs, `groups` for each line one behind the other.
// Threads: one group each, so that neighbours read neighbours; or four neighbouring groups, by the slot `delegates`, where lines
//   are contiguous, and `along` and `groups` multiples of four.
// Limits: 3 storage buffers, no workgroup memory; elements of a group < 65,536, which is as far as the loops of some drivers go.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup

struct Params {
    lines: u32,
    along: u32, // elements of a line
    after: u32, // distance of its elements
    flip: u32, // all bits where the largest comes first, else 0
    groups: u32, // of a line
    lines_first: u32, // whether neighbouring threads have neighbouring lines
}

// @slot delegates
// The elements of a load: one for each group of a thread.
alias Word = u32;

const WIDTH: u32 = 1u;

fn offsets() -> Word {
    return 0u;
}
// @end

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Word>;
@group(0) @binding(2) var<storage, read_write> to_keys: array<Word>;
@group(0) @binding(3) var<storage, read_write> to_places: array<Word>;

// Unsigned numbers in the order of floats: -0 is 0, and a NaN, which only its bits tell, is above infinity.
fn key(bits: Word) -> Word {
    let size = bits & Word(0x7fffffffu);
    var ordered = select(bits | Word(0x80000000u), ~bits, bits != size);
    ordered = select(ordered, Word(0x80000000u), size == Word(0u));
    ordered = select(ordered, Word(0xffffffffu), size > Word(0x7f800000u));
    return ordered ^ Word(params.flip);
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
    let threads = params.groups / WIDTH;
    if (i >= params.lines * threads) {
        return;
    }
    let line = select(i / threads, i % params.lines, params.lines_first != 0u);
    let mine = select(i % threads, i / params.lines, params.lines_first != 0u);
    let base = start(line, params.along) / WIDTH;
    var best = key(x[base + mine * params.after]);
    var turn = Word(mine);
    for (var at = mine + threads; at < params.along / WIDTH; at += threads) {
        let other = key(x[base + at * params.after]);
        // Strictly: the first of equal ones stays.
        turn = select(turn, Word(at), other < best);
        best = min(best, other);
    }
    let to = line * threads + mine;
    to_keys[to] = best;
    to_places[to] = turn * WIDTH + offsets();
}

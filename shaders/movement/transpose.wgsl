// y[…, u, f] = x[…, f, u] in tiles of 4×4: the two memories run along different axes, as between N C H W and N H W C.
//
// A thread reads four vec4s along u, transposes them in its registers and writes four vec4s along f, so that no access is
// to a single element and nothing needs workgroup memory or a barrier.
//
// Layouts: f is the fastest axis of y, u that of x; the other axes by strides. Extents of f and u, strides and offsets are
//   multiples of four and count vec4s; elements are 32 bits of any type.
// Threads: a team of TEAM threads, FAST neighbours along f and the others along u, goes TURNS steps along f (ALONG_F) or u.
//   On a GPU a team is a workgroup and takes one step, which reads and writes runs of whole cache lines. On a CPU it is a
//   subgroup that goes along the longer axis, so that the memory that runs along this one is read, or written, in few runs.
//   Where its tiles are one run of x (AHEAD), a word of each cache line is read first, in the order of memory: prefetchers
//   follow that, and do not follow the loop, which goes from row to row.
// Limits: 2 storage buffers, no workgroup memory; up to 8 axes besides f and u.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const TEAM: u32 = 64u; // @const threads that work on neighbouring tiles
const FAST: u32 = 8u; // @const threads of a team along f
const TURNS: u32 = 1u; // @const tiles of a thread
const ALONG_F: bool = false; // @const whether they follow each other along f, and not along u
const AHEAD: bool = false; // @const whether x_step is u, and a team goes along all of u
const RANK: u32 = 1u; // @const the other axes

struct Params {
    shape: array<vec4<u32>, 2>, // of the other axes
    magic: array<vec4<u32>, 2>, // for division by the extents
    shift: array<vec4<u32>, 2>,
    x_strides: array<vec4<u32>, 2>,
    y_strides: array<vec4<u32>, 2>,
    f: u32, // extents
    u: u32,
    x_step: u32, // from one element of f to the next in x
    y_step: u32, // from one element of u to the next in y
    x_offset: u32,
    y_offset: u32,
    by_f: vec2<u32>, // magic number and shift of the teams along f
    by_u: vec2<u32>, // and along u
    teams_f: u32,
    teams_u: u32,
    teams: u32,
    never: u32, // 0, which no compiler knows
    pad1: u32,
    pad2: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<u32>>;

// n / d for n < 2^31, where `magic` and `shift` belong to d: an integer division is tens of instructions on a GPU and one
// lane after the other on a CPU (Granlund and Montgomery, Division by invariant integers, PLDI 1994).
fn quotient(n: u32, magic: u32, shift: u32) -> u32 {
    let low = n & 0xffffu;
    let high = n >> 16u;
    let middle = high * (magic & 0xffffu) + ((low * (magic & 0xffffu)) >> 16u);
    let rest = (middle & 0xffffu) + low * (magic >> 16u);
    return (high * (magic >> 16u) + (middle >> 16u) + (rest >> 16u) + n) >> shift;
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let t = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    let team = t / TEAM;
    let lane = t % TEAM;
    if (team >= params.teams) {
        return;
    }
    let row = quotient(team, params.by_f.x, params.by_f.y);
    var rest = quotient(row, params.by_u.x, params.by_u.y);
    var f = (team - row * params.teams_f) * FAST;
    var u = (row - rest * params.teams_u) * (TEAM / FAST);
    var x_at = params.x_offset;
    var y_at = params.y_offset;
    // @unroll
    for (var step = 0u; step < RANK; step++) {
        let axis = RANK - 1u - step;
        let next = quotient(rest, params.magic[axis / 4u][axis % 4u], params.shift[axis / 4u][axis % 4u]);
        let index = rest - next * params.shape[axis / 4u][axis % 4u];
        rest = next;
        x_at += index * params.x_strides[axis / 4u][axis % 4u];
        y_at += index * params.y_strides[axis / 4u][axis % 4u];
    }
    // Read once: as far as a driver knows, a store may change them.
    let x_step = params.x_step;
    let y_step = params.y_step;
    var end: u32;
    if (ALONG_F) {
        f *= TURNS;
        end = min(f + FAST * TURNS, params.f);
    } else {
        u *= TURNS;
        end = min(u + TEAM / FAST * TURNS, params.u);
    }
    f += lane % FAST;
    u += lane / FAST;
    var words = 0u;
    if (AHEAD) {
        let first = f - lane % FAST;
        let stop = x_at + 4u * min(first + FAST, params.f) * x_step;
        // Four vec4s are a cache line.
        for (var line = x_at + 4u * (first * x_step + lane); line < stop; line += 4u * TEAM) {
            words |= x[line].x;
        }
    }
    // A thread beyond the axis that it does not go along has nothing to do.
    var at = u;
    if (ALONG_F) {
        at = select(end, f, u < params.u);
    } else {
        at = select(end, u, f < params.f);
    }
    for (; at < end; at += select(TEAM / FAST, FAST, ALONG_F)) {
        if (ALONG_F) {
            f = at;
        } else {
            u = at;
        }
        let x_from = x_at + 4u * f * x_step + u;
        let a = x[x_from];
        let b = x[x_from + x_step];
        let c = x[x_from + 2u * x_step];
        let d = x[x_from + 3u * x_step];
        let y_to = y_at + 4u * u * y_step + f;
        y[y_to] = vec4(a.x, b.x, c.x, d.x);
        y[y_to + y_step] = vec4(a.y, b.y, c.y, d.y);
        y[y_to + 2u * y_step] = vec4(a.z, b.z, c.z, d.z);
        y[y_to + 3u * y_step] = vec4(a.w, b.w, c.w, d.w);
    }
    // Never done. A compiler that knew this would remove the loads above.
    if (AHEAD && params.never != 0u) {
        y[0] = vec4(words);
    }
}

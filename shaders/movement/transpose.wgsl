// y[…, u, f] = x[…, f, u] in tiles of 4×4: the two memories run along different axes, as between N C H W and N H W C.
//
// A thread reads four vec4s along u, turns them around in its registers and writes four vec4s along f, so that no access is
// to a single element and nothing needs workgroup memory or a barrier.
//
// Layouts: f is the fastest axis of y, u that of x; the other axes by strides. Extents of f and u, strides and offsets are
//   multiples of four and count vec4s; elements are 32 bits of any type.
// Threads: FAST neighbours along f, the others of the workgroup along u, TURNS tiles along u each: a workgroup reads and
//   writes runs of whole cache lines.
// Limits: 2 storage buffers, no workgroup memory; up to 8 axes besides f and u.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const FAST: u32 = 8u; // @const threads along f
const TURNS: u32 = 1u; // @const tiles of a thread
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
    by_f: vec2<u32>, // magic number and shift of the workgroups along f
    by_u: vec2<u32>, // and along u
    groups_f: u32,
    groups_u: u32,
    groups: u32,
    pad0: u32,
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
    let g = group.x + grid.x * (group.y + grid.y * group.z);
    if (g >= params.groups) {
        return;
    }
    let row = quotient(g, params.by_f.x, params.by_f.y);
    var rest = quotient(row, params.by_u.x, params.by_u.y);
    let f = (g - row * params.groups_f) * FAST + thread % FAST;
    let first = ((row - rest * params.groups_u) * (WORKGROUP / FAST) + thread / FAST) * TURNS;
    var x_at = params.x_offset + 4u * f * params.x_step;
    var y_at = params.y_offset + f;
    // @unroll
    for (var step = 0u; step < RANK; step++) {
        let axis = RANK - 1u - step;
        let next = quotient(rest, params.magic[axis / 4u][axis % 4u], params.shift[axis / 4u][axis % 4u]);
        let index = rest - next * params.shape[axis / 4u][axis % 4u];
        rest = next;
        x_at += index * params.x_strides[axis / 4u][axis % 4u];
        y_at += index * params.y_strides[axis / 4u][axis % 4u];
    }
    let end = select(0u, min(first + TURNS, params.u), f < params.f);
    // Read once: as far as a driver knows, a store may change them.
    let x_step = params.x_step;
    let y_step = params.y_step;
    for (var u = first; u < end; u++) {
        let a = x[x_at + u];
        let b = x[x_at + u + x_step];
        let c = x[x_at + u + 2u * x_step];
        let d = x[x_at + u + 3u * x_step];
        let at = y_at + 4u * u * y_step;
        y[at] = vec4(a.x, b.x, c.x, d.x);
        y[at + y_step] = vec4(a.y, b.y, c.y, d.y);
        y[at + 2u * y_step] = vec4(a.z, b.z, c.z, d.z);
        y[at + 3u * y_step] = vec4(a.w, b.w, c.w, d.w);
    }
}

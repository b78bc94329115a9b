// packed[g, t, i, o] = w[g, o, i, t], or back, as conv2d_pack_weight with (A, B) = (input, output channel): a transposition
// of filters [O, I · T] in tiles of 4×4, so that no access is to a single element.
//
// Layouts: w is O I KH KW row-major, packed [groups, taps, I, O] row-major. O of a group and I · T are multiples of four.
// Threads: VECTORS tiles each, LANES apart: four filters and four neighbours (i, t), which lie apart in `packed`.
// Limits: 2 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 32u; // @const distance of a thread's tiles: threads of a subgroup stay together
const VECTORS: u32 = 1u; // @const tiles of a thread
const UNPACK: bool = false; // @const from packed to w

struct Params {
    taps: u32,
    inputs: u32, // of a group
    outputs: u32, // fours of a group
    length: u32, // fours of I · T
    by_outputs: vec2<u32>, // magic numbers and shifts for `quotient`
    by_length: vec2<u32>,
    by_taps: vec2<u32>,
    count: u32, // tiles of all groups
    pad: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;

// n / d for n < 2^31, where `by` is the magic number of d and its shift: an integer division is tens of instructions on a
// GPU and one lane after the other on a CPU (Granlund and Montgomery, Division by invariant integers, PLDI 1994).
fn quotient(n: u32, by: vec2<u32>) -> u32 {
    let low = n & 0xffffu;
    let high = n >> 16u;
    let middle = high * (by.x & 0xffffu) + ((low * (by.x & 0xffffu)) >> 16u);
    let rest = (middle & 0xffffu) + low * (by.x >> 16u);
    return (high * (by.x >> 16u) + (middle >> 16u) + (rest >> 16u) + n) >> by.y;
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    // Read once: as far as a driver knows, a store may change them.
    let p = params;
    let t = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    let start = t / LANES * (LANES * VECTORS) + t % LANES;
    let end = min(start + LANES * VECTORS, p.count);
    for (var tile = start; tile < end; tile += LANES) {
        let row = quotient(tile, p.by_outputs);
        let output = tile - row * p.outputs;
        let g = quotient(row, p.by_length);
        let element = row - g * p.length;
        // Four filters, p.length apart.
        let w_at = (g * p.outputs + output) * 4u * p.length + element;
        // Four places (t, i) of `packed`, each p.outputs long.
        let place = vec4(4u * element) + vec4(0u, 1u, 2u, 3u);
        let input = vec4(
            quotient(place.x, p.by_taps),
            quotient(place.y, p.by_taps),
            quotient(place.z, p.by_taps),
            quotient(place.w, p.by_taps),
        );
        let at = (g * p.taps * p.inputs + (place - input * p.taps) * p.inputs + input) * p.outputs + output;
        if (UNPACK) {
            let a = x[at.x];
            let b = x[at.y];
            let c = x[at.z];
            let d = x[at.w];
            y[w_at] = vec4(a.x, b.x, c.x, d.x);
            y[w_at + p.length] = vec4(a.y, b.y, c.y, d.y);
            y[w_at + 2u * p.length] = vec4(a.z, b.z, c.z, d.z);
            y[w_at + 3u * p.length] = vec4(a.w, b.w, c.w, d.w);
        } else {
            let a = x[w_at];
            let b = x[w_at + p.length];
            let c = x[w_at + 2u * p.length];
            let d = x[w_at + 3u * p.length];
            y[at.x] = vec4(a.x, b.x, c.x, d.x);
            y[at.y] = vec4(a.y, b.y, c.y, d.y);
            y[at.z] = vec4(a.z, b.z, c.z, d.z);
            y[at.w] = vec4(a.w, b.w, c.w, d.w);
        }
    }
}

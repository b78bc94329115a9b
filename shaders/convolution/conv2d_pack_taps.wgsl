// packed[g, t, a, b] = w[g, a, b, t], or back, as conv2d_pack_weight with (A, B) = (output, input channel), and for
// depthwise filters: each filter's [B, T] is transposed, four channels and all their taps at a time, so that no access is
// to a single element (unless COMPACT).
//
// Layouts: w is [groups, A, B, TAPS] row-major, packed [groups, TAPS, A, B]. B is a multiple of four.
// Threads: VECTORS times four channels each, LANES apart, with all taps in registers.
// Limits: 2 storage buffers, no workgroup memory; up to 25 taps, which is as many vec4s as a thread should hold.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 32u; // @const distance of a thread's fours: threads of a subgroup stay together
const VECTORS: u32 = 1u; // @const fours of channels of a thread
const UNPACK: bool = false; // @const from packed to w
const COMPACT: u32 = 0u; // @const 1: a short program, single elements in a loop, where a vec4 is no quicker than they
const TAPS: u32 = 9u; // @const taps of a filter

struct Params {
    matrix: u32, // fours of A · B
    pad: u32,
    by_matrix: vec2<u32>, // its magic number and shift for `quotient`
    count: u32, // fours of all groups
    pad0: u32,
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

// n, as the bound of a loop that compilers shall leave a loop.
fn unknown(n: u32) -> u32 {
    return select(n, 0u, params.count == 0u);
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
    for (var i = start; i < end; i += LANES) {
        let g = quotient(i, p.by_matrix);
        let w_at = i * TAPS;
        let packed_at = g * (TAPS - 1u) * p.matrix + i;
        if (COMPACT != 0u) {
            for (var k = 0u; k < unknown(TAPS); k++) {
                // The tap's element in each of four filters.
                let e = vec4(4u * w_at + k) + TAPS * vec4(0u, 1u, 2u, 3u);
                if (UNPACK) {
                    let v = x[packed_at + k * p.matrix];
                    y[e.x >> 2u][e.x & 3u] = v.x;
                    y[e.y >> 2u][e.y & 3u] = v.y;
                    y[e.z >> 2u][e.z & 3u] = v.z;
                    y[e.w >> 2u][e.w & 3u] = v.w;
                } else {
                    y[packed_at + k * p.matrix] = vec4(
                        x[e.x >> 2u][e.x & 3u],
                        x[e.y >> 2u][e.y & 3u],
                        x[e.z >> 2u][e.z & 3u],
                        x[e.w >> 2u][e.w & 3u],
                    );
                }
            }
            continue;
        }
        var v: array<vec4<f32>, TAPS>;
        if (UNPACK) {
            // @unroll
            for (var k = 0u; k < TAPS; k++) {
                v[k] = x[packed_at + k * p.matrix];
            }
            // Element e of the four filters is tap e mod TAPS of channel e / TAPS.
            // @unroll
            for (var k = 0u; k < TAPS; k++) {
                y[w_at + k] = vec4(
                    v[4u * k % TAPS][4u * k / TAPS],
                    v[(4u * k + 1u) % TAPS][(4u * k + 1u) / TAPS],
                    v[(4u * k + 2u) % TAPS][(4u * k + 2u) / TAPS],
                    v[(4u * k + 3u) % TAPS][(4u * k + 3u) / TAPS],
                );
            }
        } else {
            // @unroll
            for (var k = 0u; k < TAPS; k++) {
                v[k] = x[w_at + k];
            }
            // @unroll
            for (var k = 0u; k < TAPS; k++) {
                y[packed_at + k * p.matrix] = vec4(
                    v[k / 4u][k % 4u],
                    v[(k + TAPS) / 4u][(k + TAPS) % 4u],
                    v[(k + 2u * TAPS) / 4u][(k + 2u * TAPS) % 4u],
                    v[(k + 3u * TAPS) / 4u][(k + 3u * TAPS) % 4u],
                );
            }
        }
    }
}

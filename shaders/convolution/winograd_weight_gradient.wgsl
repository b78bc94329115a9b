// dw[o, i] = Gᵀ m G, 3 × 3 numbers, for every m[·, o, i] of (TILE + 2)², the gradient of the transformed weight: the way back
// through the weight transform of Winograd's minimal filtering F(TILE × TILE, 3 × 3) (Lavin and Gray, arXiv 1509.09308), the last
// step of the gradient by the weight. The points are those of winograd_input.
//
// Layouts: m is [(TILE + 2)², O, I] row-major, read by vectors of WIDTH, so I % WIDTH == 0; dw is O I 3 3.
// Threads: WIDTH filters each, neighbours along I, which are nine vectors of dw. Outer loops are unrolled unless COMPACT.
// Limits: 2 storage buffers, no workgroup memory. TILE is 2 or 4.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const TILE: u32 = 4u; // @const pixels along an edge of a tile of dy
const WIDTH: u32 = 4u; // @const numbers that a thread computes side by side, 4 or 2
alias Numbers = vec4<f32>; // @const a vector of WIDTH
const COMPACT: u32 = 0u; // @const 1: outer loops stay loops, for software Vulkan: a load is 2 KB of machine code there
const ALPHA: u32 = TILE + 2u;

struct Params {
    count: u32, // O · I / WIDTH
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> m: array<Numbers>;
@group(0) @binding(2) var<storage, read_write> dw: array<Numbers>;

// n, as the bound of a loop that compilers shall leave a loop.
fn unknown(n: u32) -> u32 {
    return select(n, 0u, params.count == 0u);
}

// Gᵀ m along one axis; of six entries the first ALPHA count.
fn transform(m: array<Numbers, 6>) -> array<Numbers, 3> {
    if (TILE == 2u) {
        let even = 0.5 * (m[1] + m[2]);
        return array(m[0] + even, 0.5 * (m[1] - m[2]), even + m[3]);
    }
    // a = 3/4, b = 3/2: row ±a of G is (1, ±a, a²) / (2 a² (a² - b²)), row ±b is (1, ±b, b²) / (2 b² (b² - a²)).
    let even_a = (m[1] + m[2]) / -1.8984375;
    let odd_a = 0.75 * (m[1] - m[2]) / -1.8984375;
    let even_b = (m[3] + m[4]) / 7.59375;
    let odd_b = 1.5 * (m[3] - m[4]) / 7.59375;
    return array(m[0] / 1.265625 + even_a + even_b, odd_a + odd_b, 0.5625 * even_a + 2.25 * even_b + m[5]);
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let i = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    if (i >= params.count) {
        return;
    }
    var t: array<Numbers, 3u * ALPHA>;
    // @unroll unless COMPACT
    for (var column = 0u; column < unknown(ALPHA); column++) {
        var d: array<Numbers, 6>;
        // @unroll
        for (var row = 0u; row < ALPHA; row++) {
            d[row] = m[(row * ALPHA + column) * params.count + i];
        }
        let transformed = transform(d);
        // @unroll
        for (var row = 0u; row < 3u; row++) {
            // Columns come in from the right, so that every index is a constant.
            // @unroll
            for (var c = 1u; c < ALPHA; c++) {
                t[row * ALPHA + c - 1u] = t[row * ALPHA + c];
            }
            t[row * ALPHA + ALPHA - 1u] = transformed[row];
        }
    }
    var v: array<Numbers, 9>;
    // @unroll
    for (var row = 0u; row < 3u; row++) {
        var d: array<Numbers, 6>;
        // @unroll
        for (var column = 0u; column < ALPHA; column++) {
            d[column] = t[row * ALPHA + column];
        }
        let transformed = transform(d);
        // @unroll
        for (var column = 0u; column < 3u; column++) {
            v[row * 3u + column] = transformed[column];
        }
    }
    // Element n of the filters is tap n mod 9 of filter n / 9.
    // @unroll
    for (var k = 0u; k < 9u; k++) {
        var numbers: Numbers;
        // @unroll
        for (var n = 0u; n < WIDTH; n++) {
            numbers[n] = v[(k * WIDTH + n) % 9u][(k * WIDTH + n) / 9u];
        }
        dw[i * 9u + k] = numbers;
    }
}

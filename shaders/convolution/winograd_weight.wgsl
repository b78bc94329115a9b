// U[ξ, a, b] = (G g Gᵀ)[ξ] for every 3 × 3 filter g = w[a · a_stride + b · b_stride + 3 row + column]: the weight transform of
// Winograd's minimal filtering F(TILE × TILE, 3 × 3) (Lavin and Gray, arXiv 1509.09308). With (a, b) = (input, output channel)
// U is what a forward pass multiplies with; with (output, input) and the filter turned by 180° the gradient by the input.
// The points are those of winograd_input.
//
// Layouts: w is O I 3 3, U is [(TILE + 2)², A, B] row-major, written by vectors of WIDTH, so B % WIDTH == 0.
// Threads: WIDTH filters each, neighbours along b. Every loop is unrolled unless COMPACT.
// Limits: 2 storage buffers, no workgroup memory. TILE is 2 or 4.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const TILE: u32 = 4u; // @const pixels along an edge of a tile of y
const WIDTH: u32 = 4u; // @const numbers that a thread computes side by side, 4 or 2
alias Numbers = vec4<f32>; // @const a vector of WIDTH
const COMPACT: u32 = 0u; // @const 1: outer loops stay loops, for software Vulkan: a load is 2 KB of machine code there
const ALPHA: u32 = TILE + 2u;

struct Params {
    b: u32, // B / WIDTH
    a_stride: u32,
    b_stride: u32,
    flip: u32, // 8 turns the filter, 0 does not
    count: u32, // A · B / WIDTH
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read_write> u: array<Numbers>;

// n, as the bound of a loop that compilers shall leave a loop.
fn unknown(n: u32) -> u32 {
    return select(n, 0u, params.count == 0u);
}

// G g along one axis; of six entries the first ALPHA count.
fn transform(g: array<Numbers, 3>) -> array<Numbers, 6> {
    if (TILE == 2u) {
        let ends = 0.5 * (g[0] + g[2]);
        return array(g[0], ends + 0.5 * g[1], ends - 0.5 * g[1], g[2], Numbers(), Numbers());
    }
    // a = 3/4, b = 3/2: row ±a is (1, ±a, a²) / (2 a² (a² - b²)), row ±b is (1, ±b, b²) / (2 b² (b² - a²)).
    let even_a = (g[0] + 0.5625 * g[2]) / -1.8984375;
    let odd_a = 0.75 * g[1] / -1.8984375;
    let even_b = (g[0] + 2.25 * g[2]) / 7.59375;
    let odd_b = 1.5 * g[1] / 7.59375;
    return array(g[0] / 1.265625, even_a + odd_a, even_a - odd_a, even_b + odd_b, even_b - odd_b, g[2]);
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
    let a = i / params.b;
    let base = a * params.a_stride + WIDTH * (i - a * params.b) * params.b_stride;
    var t: array<Numbers, ALPHA * 3u>;
    // @unroll unless COMPACT
    for (var column = 0u; column < unknown(3u); column++) {
        var g: array<Numbers, 3>;
        // @unroll
        for (var row = 0u; row < 3u; row++) {
            let tap = row * 3u + column;
            let at = base + select(tap, 8u - tap, params.flip == 8u);
            // @unroll
            for (var n = 0u; n < WIDTH; n++) {
                g[row][n] = w[at + n * params.b_stride];
            }
        }
        let transformed = transform(g);
        // @unroll
        for (var row = 0u; row < ALPHA; row++) {
            // Columns come in from the right, so that every index is a constant.
            t[row * 3u] = t[row * 3u + 1u];
            t[row * 3u + 1u] = t[row * 3u + 2u];
            t[row * 3u + 2u] = transformed[row];
        }
    }
    var rows = t; // what a loop may index
    // @unroll unless COMPACT
    for (var row = 0u; row < unknown(ALPHA); row++) {
        let transformed = transform(array(rows[row * 3u], rows[row * 3u + 1u], rows[row * 3u + 2u]));
        // @unroll
        for (var column = 0u; column < ALPHA; column++) {
            u[(row * ALPHA + column) * params.count + i] = transformed[column];
        }
    }
}

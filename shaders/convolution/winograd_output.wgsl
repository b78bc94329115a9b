// y = unary(Aᵀ m A + bias + residual) for every tile of TILE² pixels of y, from the products m[ξ, tile, o] = Σ_i V[ξ, tile, i] ·
// U[ξ, i, o]: the output transform of Winograd's minimal filtering F(TILE × TILE, 3 × 3) (Lavin and Gray, arXiv 1509.09308).
// The points are those of winograd_input.
//
// Layouts: m is [(TILE + 2)², tiles, O], y is N OH OW O; by vec4 of channels, so O % 4 == 0. bias has O entries.
// Threads: four channels of one tile each, channels fastest. Every loop is unrolled unless COMPACT; what lies past y's edge is not stored.
// Limits: 4 storage buffers (any read-only buffer stands in for a bias or residual that is not added), no workgroup memory.
//   TILE is 2 or 4.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const TILE: u32 = 4u; // @const pixels along an edge of a tile of y
const HAS_BIAS: bool = false; // @const add bias
const HAS_RESIDUAL: bool = false; // @const add residual, of the shape and layout of the result
const RESIDUAL_IN_PLACE: bool = false; // @const the residual is what the result\'s memory holds
const COMPACT: u32 = 0u; // @const 1: outer loops stay loops, for software Vulkan: a load is 2 KB of machine code there
const ALPHA: u32 = TILE + 2u;

struct Params {
    height: u32, // of y
    width: u32,
    quads: u32, // O / 4
    tiles_h: u32, // of an image
    tiles_w: u32,
    first: u32, // the first tile of this launch, counted over the batch
    tiles: u32, // of this launch
    count: u32, // tiles · quads
    p0: f32, // of the activation
    p1: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> m: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> residual: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4<f32>>;

// @slot unary
fn unary(x: f32, p: vec2<f32>) -> f32 {
    return x;
}
// @end

// n, as the bound of a loop that compilers shall leave a loop.
fn unknown(n: u32) -> u32 {
    return select(n, 0u, params.count == 0u);
}

// Aᵀ m along one axis; the first ALPHA entries count, and the first TILE of the result.
fn transform(m: array<vec4<f32>, 6>) -> array<vec4<f32>, 4> {
    let plus_a = m[1] + m[2];
    let minus_a = m[1] - m[2];
    if (TILE == 2u) {
        return array(m[0] + plus_a, minus_a - m[3], vec4<f32>(), vec4<f32>());
    }
    let plus_b = m[3] + m[4];
    let minus_b = m[3] - m[4];
    // a = 3/4, b = 3/2, and their squares and cubes.
    return array(
        m[0] + plus_a + plus_b,
        0.75 * minus_a + 1.5 * minus_b,
        0.5625 * plus_a + 2.25 * plus_b,
        0.421875 * minus_a + 3.375 * minus_b + m[5],
    );
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    // A surplus thread repeats the last one and stores nothing: cheaper on software Vulkan than a masked body.
    let id = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    let i = min(id, params.count - 1u);
    let quad = i % params.quads;
    let slot = i / params.quads;
    let tile = params.first + slot;
    let tiles = params.tiles_h * params.tiles_w;
    let image = tile / tiles;
    let tile_row = (tile - image * tiles) / params.tiles_w;
    let top = tile_row * TILE;
    let left = (tile - image * tiles - tile_row * params.tiles_w) * TILE;
    let p = vec2(params.p0, params.p1);

    var t: array<vec4<f32>, TILE * ALPHA>;
    // @unroll unless COMPACT
    for (var column = 0u; column < unknown(ALPHA); column++) {
        var d: array<vec4<f32>, 6>;
        // @unroll
        for (var row = 0u; row < ALPHA; row++) {
            d[row] = m[((row * ALPHA + column) * params.tiles + slot) * params.quads + quad];
        }
        let transformed = transform(d);
        // @unroll
        for (var row = 0u; row < TILE; row++) {
            // Columns come in from the right, so that every index is a constant.
            // @unroll
            for (var c = 1u; c < ALPHA; c++) {
                t[row * ALPHA + c - 1u] = t[row * ALPHA + c];
            }
            t[row * ALPHA + ALPHA - 1u] = transformed[row];
        }
    }
    var rows = t; // what a loop may index
    var add = vec4<f32>();
    if (HAS_BIAS) {
        add = bias[quad];
    }
    // @unroll unless COMPACT
    for (var row = 0u; row < unknown(TILE); row++) {
        var d: array<vec4<f32>, 6>;
        // @unroll
        for (var column = 0u; column < ALPHA; column++) {
            d[column] = rows[row * ALPHA + column];
        }
        let transformed = transform(d);
        // @unroll
        for (var column = 0u; column < TILE; column++) {
            if (id < params.count && top + row < params.height && left + column < params.width) {
                let at = ((image * params.height + top + row) * params.width + left + column) * params.quads + quad;
                var s = transformed[column] + add;
                if (HAS_RESIDUAL) {
                    if RESIDUAL_IN_PLACE { s += y[at]; } else { s += residual[at]; }
                }
                y[at] = vec4(unary(s.x, p), unary(s.y, p), unary(s.z, p), unary(s.w, p));
            }
        }
    }
}

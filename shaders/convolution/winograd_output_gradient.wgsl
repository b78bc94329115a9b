// E[ξ, tile, o] = (A e Aᵀ)[ξ] for every tile e of TILE² pixels of dy, the gradient of a convolution's result: the way back
// through the output transform of Winograd's minimal filtering F(TILE × TILE, 3 × 3) (Lavin and Gray, arXiv 1509.09308). With V of
// winograd_input, Σ_tile V[ξ, tile, i] · E[ξ, tile, o] is the gradient of the transformed weight. The points are those of
// winograd_input.
//
// Layouts: dy is N OH OW O, E is [(TILE + 2)², tiles, O]; both are read and written by vectors of WIDTH channels, so
//   O % WIDTH == 0.
// Threads: WIDTH channels of one tile each, channels fastest. Every loop is unrolled unless COMPACT. Pixels outside the image
//   are zero, and so are the tiles past the last, which make `tiles` a multiple of four.
// Limits: 2 storage buffers, no workgroup memory. TILE is 2 or 4.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const TILE: u32 = 4u; // @const pixels along an edge of a tile of dy
const WIDTH: u32 = 4u; // @const numbers that a thread computes side by side, 4 or 2
alias Numbers = vec4<f32>; // @const a vector of WIDTH
const COMPACT: u32 = 0u; // @const 1: outer loops stay loops, for software Vulkan: a load is 2 KB of machine code there
const ALPHA: u32 = TILE + 2u;

struct Geometry {
    x_shape: vec4<u32>, // N C H W
    w_shape: vec4<u32>, // O C/groups KH KW
    y_shape: vec4<u32>, // N O OH OW
    stride: vec2<u32>,
    padding: vec2<u32>,
    dilation: vec2<u32>,
    groups: u32,
    pad: u32,
}

struct Params {
    geometry: Geometry,
    vectors: u32, // O / WIDTH
    tiles_h: u32, // of an image
    tiles_w: u32,
    first: u32, // the first tile of this launch, counted over the batch
    tiles: u32, // of this launch
    count: u32, // tiles · vectors
    pad0: u32,
    pad1: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<Numbers>;
@group(0) @binding(2) var<storage, read_write> e: array<Numbers>;

// n, as the bound of a loop that compilers shall leave a loop.
fn unknown(n: u32) -> u32 {
    return select(n, 0u, params.count == 0u);
}

// A d along one axis: the first TILE entries count, and the first ALPHA of the result.
fn transform(d: array<Numbers, 4>) -> array<Numbers, 6> {
    if (TILE == 2u) {
        return array(d[0], d[0] + d[1], d[0] - d[1], -d[1], Numbers(), Numbers());
    }
    // a = 3/4, b = 3/2, and their squares and cubes.
    let even_a = d[0] + 0.5625 * d[2];
    let odd_a = 0.75 * d[1] + 0.421875 * d[3];
    let even_b = d[0] + 2.25 * d[2];
    let odd_b = 1.5 * d[1] + 3.375 * d[3];
    return array(d[0], even_a + odd_a, even_a - odd_a, even_b + odd_b, even_b - odd_b, d[3]);
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
    let vector = i % params.vectors;
    let slot = i / params.vectors;
    let tile = params.first + slot;
    let tiles = params.tiles_h * params.tiles_w;
    let image = tile / tiles;
    let tile_row = (tile - image * tiles) / params.tiles_w;
    // No row of a tile past the last is inside.
    let top = select(params.geometry.y_shape.z, tile_row * TILE, image < params.geometry.y_shape.x);
    let left = (tile - image * tiles - tile_row * params.tiles_w) * TILE;
    let base = ((image * params.geometry.y_shape.z + top) * params.geometry.y_shape.w + left) * params.vectors + vector;

    var t: array<Numbers, ALPHA * TILE>;
    // @unroll unless COMPACT
    for (var column = 0u; column < unknown(TILE); column++) {
        var d: array<Numbers, 4>;
        // @unroll
        for (var row = 0u; row < TILE; row++) {
            let inside = top + row < params.geometry.y_shape.z && left + column < params.geometry.y_shape.w;
            let at = base + (row * params.geometry.y_shape.w + column) * params.vectors;
            d[row] = select(Numbers(), dy[select(vector, at, inside)], inside);
        }
        let transformed = transform(d);
        // @unroll
        for (var row = 0u; row < ALPHA; row++) {
            // Columns come in from the right, so that every index is a constant.
            // @unroll
            for (var c = 1u; c < TILE; c++) {
                t[row * TILE + c - 1u] = t[row * TILE + c];
            }
            t[row * TILE + TILE - 1u] = transformed[row];
        }
    }
    var rows = t; // what a loop may index
    if (id < params.count) {
        // @unroll unless COMPACT
        for (var row = 0u; row < unknown(ALPHA); row++) {
            var d: array<Numbers, 4>;
            // @unroll
            for (var column = 0u; column < TILE; column++) {
                d[column] = rows[row * TILE + column];
            }
            let transformed = transform(d);
            // @unroll
            for (var column = 0u; column < ALPHA; column++) {
                e[((row * ALPHA + column) * params.tiles + slot) * params.vectors + vector] = transformed[column];
            }
        }
    }
}

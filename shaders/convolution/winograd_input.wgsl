// V[ξ, tile, c] = (Bᵀ d B)[ξ] for every tile of (TILE + 2)² pixels of x, which overlap by two: the input transform of Winograd's
// minimal filtering F(TILE × TILE, 3 × 3) (Lavin and Gray, arXiv 1509.09308, §4.1). A product of V[ξ] and the transformed
// weight for every ξ, and winograd_output, make a 3 × 3 convolution of stride 1 of it.
//
// Points: F(2, 3) has 0, ±1, ∞. F(4, 3) has 0, ±3/4, ±3/2, ∞: all constants are exact in f32, and the error is a third of
//   that of the usual 0, ±1, ±2, ∞ (Barabasz et al., arXiv 1803.10986, on the choice of points).
// The gradient by the weight pads its tiles to a multiple of four; those past the last repeat it.
// Layouts: x is N H W C, V is [(TILE + 2)², tiles, C]; both are read and written by vectors of WIDTH channels, so
//   C % WIDTH == 0.
// Threads: WIDTH channels of one tile each, channels fastest. Every loop is unrolled unless COMPACT; pixels outside the image are zero.
// Limits: 2 storage buffers, no workgroup memory. TILE is 2 or 4.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const TILE: u32 = 4u; // @const pixels along an edge of a tile of y
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
    vectors: u32, // C / WIDTH
    tiles_h: u32, // of an image
    tiles_w: u32,
    first: u32, // the first tile of this launch, counted over the batch
    tiles: u32, // of this launch
    count: u32, // tiles · vectors
    last: u32, // the last tile of the batch
    pad: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Numbers>;
@group(0) @binding(2) var<storage, read_write> v: array<Numbers>;

// n, as the bound of a loop that compilers shall leave a loop.
fn unknown(n: u32) -> u32 {
    return select(n, 0u, params.count == 0u);
}

// Bᵀ d along one axis; of six entries the first ALPHA count.
fn transform(d: array<Numbers, 6>) -> array<Numbers, 6> {
    if (TILE == 2u) {
        return array(d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3], Numbers(), Numbers());
    }
    // a = 3/4, b = 3/2: a² = 0.5625, b² = 2.25, a² + b² = 2.8125, a² b² = 1.265625.
    let even_a = d[4] - 2.25 * d[2];
    let odd_a = 0.75 * (d[3] - 2.25 * d[1]);
    let even_b = d[4] - 0.5625 * d[2];
    let odd_b = 1.5 * (d[3] - 0.5625 * d[1]);
    return array(
        d[4] - 2.8125 * d[2] + 1.265625 * d[0],
        even_a + odd_a,
        even_a - odd_a,
        even_b + odd_b,
        even_b - odd_b,
        d[5] - 2.8125 * d[3] + 1.265625 * d[1],
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
    let vector = i % params.vectors;
    let slot = i / params.vectors;
    let tile = min(params.first + slot, params.last);
    let tiles = params.tiles_h * params.tiles_w;
    let image = tile / tiles;
    let tile_row = (tile - image * tiles) / params.tiles_w;
    // A row or column before the image wraps to a huge number, and so lies outside as well.
    let top = tile_row * TILE - params.geometry.padding.x;
    let left = (tile - image * tiles - tile_row * params.tiles_w) * TILE - params.geometry.padding.y;
    let base = ((image * params.geometry.x_shape.z + top) * params.geometry.x_shape.w + left) * params.vectors + vector;

    var t: array<Numbers, ALPHA * ALPHA>;
    // @unroll unless COMPACT
    for (var column = 0u; column < unknown(ALPHA); column++) {
        var d: array<Numbers, 6>;
        // @unroll
        for (var row = 0u; row < ALPHA; row++) {
            let inside = top + row < params.geometry.x_shape.z && left + column < params.geometry.x_shape.w;
            let at = base + (row * params.geometry.x_shape.w + column) * params.vectors;
            d[row] = select(Numbers(), x[select(vector, at, inside)], inside);
        }
        let transformed = transform(d);
        // @unroll
        for (var row = 0u; row < ALPHA; row++) {
            // Columns come in from the right, so that every index is a constant.
            // @unroll
            for (var c = 1u; c < ALPHA; c++) {
                t[row * ALPHA + c - 1u] = t[row * ALPHA + c];
            }
            t[row * ALPHA + ALPHA - 1u] = transformed[row];
        }
    }
    var rows = t; // what a loop may index
    if (id < params.count) {
        // @unroll unless COMPACT
        for (var row = 0u; row < unknown(ALPHA); row++) {
            var d: array<Numbers, 6>;
            // @unroll
            for (var column = 0u; column < ALPHA; column++) {
                d[column] = rows[row * ALPHA + column];
            }
            let transformed = transform(d);
            // @unroll
            for (var column = 0u; column < ALPHA; column++) {
                v[((row * ALPHA + column) * params.tiles + slot) * params.vectors + vector] = transformed[column];
            }
        }
    }
}

// y = unary(Aᵀ m A + bias + residual) for every tile of TILE² pixels of y, from the products m[ξ, tile, o] = Σ_i V[ξ, tile, i] ·
// U[ξ, i, o]: the output transform of Winograd's minimal filtering F(TILE × TILE, 3 × 3) (Lavin and Gray, arXiv 1509.09308).
// The points are those of winograd_input. With POOL, y holds the maxima, or the means, of windows of that: they lie side by
// side from the first pixel on, and none crosses the edge of a tile.
//
// Layouts: m is [(TILE + 2)², tiles, O], or a block of the channels O that begins at one of them, y is N OH OW O (OH and OW the windows with POOL); by vectors of WIDTH channels, so
//   O % WIDTH == 0. bias has O entries, residual one for each pixel.
// Threads: WIDTH channels of one tile each, channels fastest. Every loop is unrolled unless COMPACT; what lies past y's edge is not
//   stored.
// Limits: 4 storage buffers (any read-only buffer stands in for a bias or residual that is not added), no workgroup memory.
//   TILE is 2 or 4.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const TILE: u32 = 4u; // @const pixels along an edge of a tile of y
const HAS_BIAS: bool = false; // @const add bias
const HAS_RESIDUAL: bool = false; // @const add residual, of the shape and layout of the result
const RESIDUAL_IN_PLACE: bool = false; // @const the residual is what the result's memory holds
const POOL: u32 = 0u; // @const 0: each pixel is stored, 1: the maxima of windows, 2: their sums / params.divisor
const POOL_HEIGHT: u32 = 1u; // @const rows of a window, a divisor of TILE
const POOL_WIDTH: u32 = 1u; // @const columns of a window, a divisor of TILE
const WIDTH: u32 = 4u; // @const numbers that a thread computes side by side, 4 or 2
alias Numbers = vec4<f32>; // @const a vector of WIDTH
const COMPACT: u32 = 0u; // @const 1: outer loops stay loops, for software Vulkan: a load is 2 KB of machine code there
const ALPHA: u32 = TILE + 2u;
const WINDOW_ROWS: u32 = TILE / POOL_HEIGHT; // of a tile
const WINDOW_COLUMNS: u32 = TILE / POOL_WIDTH;

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
    vectors: u32, // of m: O / WIDTH, or fewer of them
    tiles_h: u32, // of an image
    tiles_w: u32,
    first: u32, // the first tile of this launch, counted over the batch
    tiles: u32, // of this launch
    count: u32, // tiles · vectors
    p0: f32, // of the activation
    p1: f32,
    divisor: f32, // of the sum over a window
    across: u32, // vectors of a pixel of y
    begin: u32, // the first of those that this launch computes
    pad: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> m: array<Numbers>;
@group(0) @binding(2) var<storage, read> bias: array<Numbers>;
@group(0) @binding(3) var<storage, read> residual: array<Numbers>;
@group(0) @binding(4) var<storage, read_write> y: array<Numbers>;

// @slot unary
fn unary(x: f32, p: vec2<f32>) -> f32 {
    return x;
}
// @end

fn activated(s: Numbers) -> Numbers {
    let p = vec2(params.p0, params.p1);
    var r = s;
    // @unroll
    for (var c = 0u; c < WIDTH; c++) {
        r[c] = unary(s[c], p);
    }
    return r;
}

// n, as the bound of a loop that compilers shall leave a loop.
fn unknown(n: u32) -> u32 {
    return select(n, 0u, params.count == 0u);
}

// Aᵀ m along one axis; the first ALPHA entries count, and the first TILE of the result.
fn transform(m: array<Numbers, 6>) -> array<Numbers, 4> {
    let plus_a = m[1] + m[2];
    let minus_a = m[1] - m[2];
    if (TILE == 2u) {
        return array(m[0] + plus_a, minus_a - m[3], Numbers(), Numbers());
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

// The larger of two, or b where that is a window's first; NaN as soon as one is that. A comparison with NaN is false.
fn larger(a: Numbers, b: Numbers, first: bool) -> Numbers {
    return select(select(b, a, (a >= b) | !(a == a)), b, first);
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
    let top = tile_row * TILE;
    let left = (tile - image * tiles - tile_row * params.tiles_w) * TILE;

    var t: array<Numbers, TILE * ALPHA>;
    // @unroll unless COMPACT
    for (var column = 0u; column < unknown(ALPHA); column++) {
        var d: array<Numbers, 6>;
        // @unroll
        for (var row = 0u; row < ALPHA; row++) {
            d[row] = m[((row * ALPHA + column) * params.tiles + slot) * params.vectors + vector];
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
    var add = Numbers();
    if (HAS_BIAS) {
        add = bias[params.begin + vector];
    }
    // @unroll unless COMPACT
    for (var window_row = 0u; window_row < unknown(WINDOW_ROWS); window_row++) {
        var pooled: array<Numbers, WINDOW_COLUMNS>;
        // @unroll
        for (var window = 0u; window < WINDOW_COLUMNS; window++) {
            pooled[window] = Numbers();
        }
        // @unroll
        for (var r = 0u; r < POOL_HEIGHT; r++) {
            var d: array<Numbers, 6>;
            // @unroll
            for (var column = 0u; column < ALPHA; column++) {
                d[column] = rows[(window_row * POOL_HEIGHT + r) * ALPHA + column];
            }
            let transformed = transform(d);
            let row = top + window_row * POOL_HEIGHT + r;
            // The sum of a window's row on its own, as avg_pool2d has it.
            var row_sum: array<Numbers, WINDOW_COLUMNS>;
            // @unroll
            for (var column = 0u; column < TILE; column++) {
                let inside = id < params.count && row < params.geometry.y_shape.z && left + column < params.geometry.y_shape.w;
                let at = ((image * params.geometry.y_shape.z + row) * params.geometry.y_shape.w + left + column) * params.across + params.begin + vector;
                var s = transformed[column] + add;
                if (HAS_RESIDUAL && inside) {
                    if RESIDUAL_IN_PLACE { s += y[at]; } else { s += residual[at]; }
                }
                if (POOL == 1u) {
                    let first = r == 0u && column % POOL_WIDTH == 0u;
                    pooled[column / POOL_WIDTH] = larger(pooled[column / POOL_WIDTH], activated(s), first);
                } else if (POOL == 2u) {
                    row_sum[column / POOL_WIDTH] += activated(s);
                } else if (inside) {
                    y[at] = activated(s);
                }
            }
            if (POOL == 2u) {
                // @unroll
                for (var window = 0u; window < WINDOW_COLUMNS; window++) {
                    pooled[window] += row_sum[window];
                }
            }
        }
        if (POOL != 0u) {
            let height = params.geometry.y_shape.z / POOL_HEIGHT;
            let columns = params.geometry.y_shape.w / POOL_WIDTH;
            let row = tile_row * WINDOW_ROWS + window_row;
            // @unroll
            for (var window = 0u; window < WINDOW_COLUMNS; window++) {
                let column = left / POOL_WIDTH + window;
                if (id < params.count && row < height && column < columns) {
                    let value = select(pooled[window] / params.divisor, pooled[window], POOL == 1u);
                    y[((image * height + row) * columns + column) * params.across + params.begin + vector] = value;
                }
            }
        }
    }
}

// dw[o, i] = Gᵀ (Σ_tile E[ξ, tile, o] · V[ξ, tile, i])_ξ G, 3 × 3 numbers: the products of all 36 components ξ of Winograd's
// minimal filtering F(3 × 3, 4 × 4) and the way back through the weight transform in one kernel (Lavin and Gray,
// arXiv 1509.09308), for software Vulkan (lavapipe) and any device with subgroups of LANES. The points are those of
// winograd_input.
//
// Layouts:  E of winograd_output_gradient is [36, tiles, O], V of winograd_input is [36, tiles, I], read by vec4; dw is
//           O I 3 3. O, I and tiles are multiples of 4.
// Threads:  a workgroup is a subgroup and one tile of ROWS outputs o x 4*LANES inputs i. Lane l owns the inputs 4l .. 4l + 3. For
//           one component after the other it sums up all tiles in registers as matmul_lanes does, then adds the product to the
//           nine numbers that each filter has in private memory. Products that went through memory would be stored and
//           loaded 36 times for each filter, which takes longer than the sums where tiles are few.
// Why not    Mesa before 23: it takes minutes to compile it, see Device::long_kernels.
// Host      row_tiles = ceil(O / ROWS), groups = row_tiles * ceil(I / (4*LANES)) (workgroups).
// Limits:   3 storage buffers, no workgroup memory. tiles <= 4096 (Mesa before 23 stops a shader after 65,535 loop turns).

const LANES: u32 = 8u; // @const lanes of a subgroup: 4, 8 or 16
const ROWS: u32 = 8u; // outputs of a workgroup
const QUADS: u32 = ROWS / 4u;
const ACROSS: u32 = 9u * ROWS;
const LOADS: u32 = (4u * QUADS + LANES - 1u) / LANES; // of E for four tiles

struct Params {
    inputs: u32,
    outputs: u32,
    tiles: u32,
    row_tiles: u32,
    workgroups: u32,
    accumulate: u32, // 1: add to what dw holds
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> e: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> v: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> dw: array<vec4<f32>>;

// Row c of G: for the points ±a = ±3/4 and ±b = ±3/2 it is (1, a, a²) / (2 a² (a² - b²)) and (1, b, b²) / (2 b² (b² - a²)).
fn weight_transform(c: u32) -> vec3<f32> {
    let point = select(0.75, 1.5, c > 2u) * select(1.0, -1.0, c % 2u == 0u);
    let inner = vec3(1.0, point, point * point) / select(-1.8984375, 7.59375, c > 2u);
    let outer = select(vec3(0.0, 0.0, 1.0), vec3(1.0 / 1.265625, 0.0, 0.0), c == 0u);
    return select(inner, outer, c % 5u == 0u);
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(subgroup_invocation_id) lane: u32) {
    // A surplus group recomputes the last tile and stores nothing: cheaper here than a masked body.
    let id = wg.x + grid.x * (wg.y + grid.y * wg.z);
    let group = min(id, params.workgroups - 1u);
    let column_tile = group / params.row_tiles;
    let row0 = (group - column_tile * params.row_tiles) * ROWS;
    let column = column_tile * 4u * LANES + 4u * lane;
    // In vec4s; what lies past the last filter is read again and not stored.
    let e_row = params.outputs / 4u;
    let v_row = params.inputs / 4u;
    var e_first: array<u32, LOADS>;
    // @unroll
    for (var i = 0u; i < LOADS; i++) {
        // Load f of four tiles is tile f / QUADS, outputs 4 * (f % QUADS) .. + 3.
        let f = i * LANES + lane;
        e_first[i] = min(f / QUADS, 3u) * e_row + min(row0 / 4u + f % QUADS, e_row - 1u);
    }
    let v_first = min(column / 4u, v_row - 1u);

    // The filters tap by tap, then one row of components, transformed along it. One array, and in memory rather than in
    // registers, because the loop at the end indexes it: as so many registers it would take seconds to compile.
    var sums: array<vec4<f32>, 12u * ROWS>;
    for (var c = 0u; c < 6u; c++) {
        // @unroll
        for (var i = 0u; i < 3u * ROWS; i++) {
            sums[ACROSS + i] = vec4<f32>();
        }
        for (var d = 0u; d < 6u; d++) {
            var e_at = e_first;
            // @unroll
            for (var i = 0u; i < LOADS; i++) {
                e_at[i] += (c * 6u + d) * params.tiles * e_row;
            }
            var v_at = v_first + (c * 6u + d) * params.tiles * v_row;
            var acc: array<vec4<f32>, ROWS>;
            // @unroll
            for (var r = 0u; r < ROWS; r++) {
                acc[r] = vec4<f32>();
            }
            for (var tile = 0u; tile < params.tiles; tile += 4u) {
                var ev: array<vec4<f32>, LOADS>;
                // @unroll
                for (var i = 0u; i < LOADS; i++) {
                    ev[i] = e[e_at[i]];
                    e_at[i] += 4u * e_row;
                }
                var vv: array<vec4<f32>, 4>;
                // @unroll
                for (var j = 0u; j < 4u; j++) {
                    vv[j] = v[v_at + j * v_row];
                }
                v_at += 4u * v_row;
                // @unroll
                for (var r = 0u; r < ROWS; r++) {
                    // @unroll
                    for (var j = 0u; j < 4u; j++) {
                        acc[r] += subgroupShuffle(ev[(j * QUADS + r / 4u) / LANES][r % 4u], (j * QUADS + r / 4u) % LANES) * vv[j];
                    }
                }
            }
            let g = weight_transform(d);
            // @unroll
            for (var r = 0u; r < ROWS; r++) {
                // @unroll
                for (var k = 0u; k < 3u; k++) {
                    sums[ACROSS + k * ROWS + r] += g[k] * acc[r];
                }
            }
        }
        let g = weight_transform(c);
        // @unroll
        for (var i = 0u; i < 3u * ROWS; i++) {
            let t = sums[ACROSS + i];
            // @unroll
            for (var k = 0u; k < 3u; k++) {
                sums[k * 3u * ROWS + i] += g[k] * t;
            }
        }
    }

    // One tap of four filters at a time, because on software Vulkan a store of a vec4 is 2 KB of machine code. The shuffle tells
    // llvmpipe that all lanes read the same element.
    let rows = select(0u, min(ROWS, params.outputs - row0), id < params.workgroups && column < params.inputs);
    for (var turn = 0u; turn < 9u * rows; turn++) {
        let at = subgroupShuffle(turn, 0u);
        let r = at / 9u;
        let tap = at - 9u * r;
        let first = ((row0 + r) * params.inputs + column) * 9u + tap;
        let filters = sums[tap * ROWS + r];
        // @unroll
        for (var i = 0u; i < 4u; i++) {
            let element = first + 9u * i;
            var sum = filters[i];
            if params.accumulate != 0u {
                sum += dw[element >> 2u][element & 3u];
            }
            dw[element >> 2u][element & 3u] = sum;
        }
    }
}

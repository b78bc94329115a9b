// y[o, i, j, n] = Σ_s Σ_t u[i, s] · v[j, t] · x[o, a[i, s], b[j, t], n]: two neighbouring axes drawn anew from a few of
// their own elements each. Resizing (nearest, linear, cubic), and padding by mirror, edge or wrap, are tables of these.
//
// Layouts: x and y are dense; the axes before the two are merged into o, those behind them into n. T is a vec4 along n
//   where that extent allows it. A table has as many pairs (index, weight) for each output index; indices are f32, exact below 2^24.
// Threads: one T of y each, n fastest, so that neighbours read neighbours.
// Limits: 4 storage buffers, no workgroup memory; 65,000 pairs of taps for an output index, which the launcher keeps.
// Source: Keys, Cubic convolution interpolation for digital image processing, IEEE ASSP 29 (1981); ONNX, Resize.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
alias T = f32; // @const f32, or vec4<f32> along n

struct Params {
    count: u32, // Ts of y
    inner: u32, // Ts along n
    rows: u32, // of y
    columns: u32,
    x_rows: u32,
    x_columns: u32,
    row_taps: u32, // entries of the tables for each output index
    column_taps: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<T>;
@group(0) @binding(2) var<storage, read> row_table: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read> column_table: array<vec2<f32>>;
@group(0) @binding(4) var<storage, read_write> y: array<T>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let at = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    if (at >= params.count) {
        return;
    }
    let pixel = at / params.inner;
    let n = at - pixel * params.inner;
    let line = pixel / params.columns;
    let column = pixel - line * params.columns;
    let outer = line / params.rows;
    let row = line - outer * params.rows;
    var sum = T();
    for (var s = 0u; s < params.row_taps; s++) {
        let u = row_table[row * params.row_taps + s];
        // A table is the caller's: what points outside is held at the edge.
        let x_row = outer * params.x_rows + min(u32(u.x), params.x_rows - 1u);
        for (var t = 0u; t < params.column_taps; t++) {
            let v = column_table[column * params.column_taps + t];
            let x_column = min(u32(v.x), params.x_columns - 1u);
            let weight = u.y * v.y;
            // A tap without weight is none: tables are filled up with such, and 0 times an infinity is no number.
            if (weight != 0.0) {
                sum += weight * x[(x_row * params.x_columns + x_column) * params.inner + n];
            }
        }
    }
    y[at] = sum;
}

// Count, mean and centred sum of squares (M2 = Σ (d − mean d)²) of d = x − pivot of every channel over chunks of a matrix
// [pixels, C]. The pivot is the first x of a chunk's column: far from 0 differences are exact where a mean is not.
//
// A row of this kernel is as many pixels as make whole vec4s, so that every C is read by vec4s, and a lane reads the same
// channel in each row. BLOCK rows at a time are held in registers, where M2 is exact in two passes, and merged as Chan, Golub and LeVeque do (Algorithms for computing the sample variance, 1983): x is read once, and
// nothing cancels where the mean is large against the deviation.
//
// Layouts: x with the channels fastest; partials is four planes [chunks, row]: counts, means, M2s, pivots. Read as
//   [chunks · row / C, C], a plane has one channel in each column.
// Threads: COLUMNS vec4 columns of a chunk each, LANES apart, columns fastest.
// Limits: 2 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 1u; // @const distance of a thread's columns: the threads of a subgroup
const COLUMNS: u32 = 1u; // @const columns of a thread; a row is a multiple of LANES · COLUMNS, or this is 1
const BLOCK: u32 = 8u; // @const rows that are held in registers

struct Params {
    count: u32, // elements of x
    step: u32, // vec4s in a row
    rows: u32, // rows, the last of which may be cut short
    whole_rows: u32, // rows that are not
    chunk: u32, // rows of a thread
    plane: u32, // vec4s in a plane of partials
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> partials: array<vec4<f32>>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let i = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    let step = params.step;
    let across = step / COLUMNS;
    let chunk = i / across;
    let o = i - chunk * across;
    let column = o / LANES * (LANES * COLUMNS) + o % LANES;
    var row = chunk * params.chunk;
    let end = min(row + params.chunk, params.rows);
    if (row >= end) {
        return;
    }
    let whole_end = min(end, params.whole_rows);

    var pivot: array<vec4<f32>, COLUMNS>;
    // @unroll
    for (var k = 0u; k < COLUMNS; k++) {
        let at = row * step + column + k * LANES;
        let inside = vec4(4u * at) + vec4(0u, 1u, 2u, 3u) < vec4(params.count);
        if (inside.x) {
            // Behind the last element lies anything, and from an infinity or a NaN there is no distance.
            let first = x[at];
            pivot[k] = select(vec4(0.0), first, inside & (abs(first) <= vec4(3.4028234e38)));
        }
    }
    var whole = 0.0;
    var mean: array<vec4<f32>, COLUMNS>;
    var m2: array<vec4<f32>, COLUMNS>;
    for (; row + BLOCK <= whole_end; row += BLOCK) {
        let at = row * step + column;
        var v: array<vec4<f32>, BLOCK * COLUMNS>;
        // @unroll
        for (var e = 0u; e < BLOCK * COLUMNS; e++) {
            v[e] = x[at + e / COLUMNS * step + e % COLUMNS * LANES] - pivot[e % COLUMNS];
        }
        let share = f32(BLOCK) / (whole + f32(BLOCK));
        // @unroll
        for (var k = 0u; k < COLUMNS; k++) {
            var block_mean = vec4(0.0);
            // @unroll
            for (var r = 0u; r < BLOCK; r++) {
                block_mean += v[r * COLUMNS + k];
            }
            block_mean *= 1.0 / f32(BLOCK);
            var block_m2 = vec4(0.0);
            // @unroll
            for (var r = 0u; r < BLOCK; r++) {
                let d = v[r * COLUMNS + k] - block_mean;
                block_m2 += d * d;
            }
            let delta = block_mean - mean[k];
            mean[k] += delta * share;
            m2[k] += block_m2 + delta * (delta * (whole * share));
        }
        whole += f32(BLOCK);
    }
    // @unroll
    for (var k = 0u; k < COLUMNS; k++) {
        var count = vec4(whole);
        for (var r = row; r < end; r++) {
            let at = r * step + column + k * LANES;
            let inside = vec4(4u * at) + vec4(0u, 1u, 2u, 3u) < vec4(params.count);
            if (inside.x) {
                let total = count + select(vec4(0.0), vec4(1.0), inside);
                // Behind the last element lies anything: it must not reach a sum.
                let delta = select(vec4(0.0), x[at] - pivot[k] - mean[k], inside);
                let share = 1.0 / max(total, vec4(1.0));
                mean[k] += delta * share;
                m2[k] += delta * (delta * (count * share));
                count = total;
            }
        }
        let to = chunk * step + column + k * LANES;
        partials[to] = count;
        partials[params.plane + to] = mean[k];
        partials[2u * params.plane + to] = m2[k];
        partials[3u * params.plane + to] = pivot[k];
    }
}

// Count, mean and centred sum of squares (M2 = Σ (x − mean)²) of every channel over chunks of a matrix [pixels, C].
//
// A row of this kernel is lcm(C, 4) elements: as many pixels as make whole vec4s, so that every C is read by vec4s, and a
// lane meets the same channel in each row. Eight rows at a time are held in registers, where M2 is exact in two passes,
// and merged as Chan, Golub and LeVeque do (Algorithms for computing the sample variance, 1983): x is read once, and
// nothing cancels where the mean is large against the deviation.
//
// Layouts: x with the channels fastest; partials is three planes [chunks, lcm(C, 4)]: counts, means, M2s. Read as
//   [chunks · lcm(C, 4) / C, C], a plane has one channel in each column.
// Threads: one vec4 column of a chunk each, columns fastest.
// Limits: 2 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup

struct Params {
    count: u32, // elements of x
    step: u32, // vec4s in a row
    rows: u32, // rows, the last of which may be cut short
    whole_rows: u32, // rows that are not
    chunk: u32, // rows of a thread
    threads: u32,
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
    if (i >= params.threads) {
        return;
    }
    let step = params.step;
    let chunk = i / step;
    let column = i - chunk * step;
    var row = chunk * params.chunk;
    let end = min(row + params.chunk, params.rows);
    let whole_end = min(end, params.whole_rows);

    var whole = 0.0;
    var mean = vec4(0.0);
    var m2 = vec4(0.0);
    for (; row + 8u <= whole_end; row += 8u) {
        let at = row * step + column;
        let x0 = x[at];
        let x1 = x[at + step];
        let x2 = x[at + 2u * step];
        let x3 = x[at + 3u * step];
        let x4 = x[at + 4u * step];
        let x5 = x[at + 5u * step];
        let x6 = x[at + 6u * step];
        let x7 = x[at + 7u * step];
        let block_mean = (((x0 + x1) + (x2 + x3)) + ((x4 + x5) + (x6 + x7))) * 0.125;
        let d0 = x0 - block_mean;
        let d1 = x1 - block_mean;
        let d2 = x2 - block_mean;
        let d3 = x3 - block_mean;
        let d4 = x4 - block_mean;
        let d5 = x5 - block_mean;
        let d6 = x6 - block_mean;
        let d7 = x7 - block_mean;
        let block_m2 = ((d0 * d0 + d1 * d1) + (d2 * d2 + d3 * d3)) + ((d4 * d4 + d5 * d5) + (d6 * d6 + d7 * d7));
        let share = 8.0 / (whole + 8.0);
        let delta = block_mean - mean;
        mean += delta * share;
        m2 += block_m2 + delta * delta * (whole * share);
        whole += 8.0;
    }
    var count = vec4(whole);
    for (; row < end; row++) {
        let at = row * step + column;
        let inside = vec4(4u * at) + vec4(0u, 1u, 2u, 3u) < vec4(params.count);
        if (inside.x) {
            let total = count + select(vec4(0.0), vec4(1.0), inside);
            // Behind the last element lies anything: it must not reach a sum.
            let delta = select(vec4(0.0), x[at] - mean, inside);
            let share = 1.0 / max(total, vec4(1.0));
            mean += delta * share;
            m2 += delta * delta * (count * share);
            count = total;
        }
    }
    partials[i] = count;
    partials[params.threads + i] = mean;
    partials[2u * params.threads + i] = m2;
}

// Merges the rows of partial statistics (count n, mean and M2 of what lies behind a pivot) in groups, as Chan, Golub and LeVeque do (Algorithms for
// computing the sample variance, 1983):
//   mean = mean_a + δ·n_b/n, M2 = M2_a + M2_b + δ²·n_a·n_b/n, with δ = pivot_b − pivot_a + mean_b − mean_a and n = n_a + n_b.
// The pivot of a group is that of its first row that holds something.
//
// Layouts: source and merged are four planes, counts, means, M2s and pivots: [rows, C] and [groups, C].
// Threads: one channel of a group each, channels fastest.
// Limits: 2 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup

struct Params {
    channels: u32,
    rows: u32,
    chunk: u32, // rows in a group
    threads: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> source: array<f32>;
@group(0) @binding(2) var<storage, read_write> merged: array<f32>;

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
    let outer = i / params.channels;
    let channel = i - outer * params.channels;
    let first = outer * params.chunk;
    let end = min(first + params.chunk, params.rows);
    let plane = params.rows * params.channels;

    var count = 0.0;
    var mean = 0.0;
    var m2 = 0.0;
    var pivot = 0.0;
    for (var row = first; row < end; row++) {
        let at = row * params.channels + channel;
        let n = source[at];
        if (count == 0.0) {
            pivot = source[3u * plane + at];
        }
        let delta = (source[3u * plane + at] - pivot) + (source[plane + at] - mean);
        let total = count + n;
        // A row may hold nothing of a channel.
        let share = n / max(total, 1.0);
        mean += delta * share;
        m2 += source[2u * plane + at] + delta * (delta * (count * share));
        count = total;
    }
    merged[i] = count;
    merged[params.threads + i] = mean;
    merged[2u * params.threads + i] = m2;
    merged[3u * params.threads + i] = pivot;
}

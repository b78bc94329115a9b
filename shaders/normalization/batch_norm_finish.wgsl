// Merges the last rows of partial statistics and finishes them:
//   inv_std = 1 / √(M2/n + eps), running = (1 − momentum)·running + momentum·batch, where the running variance takes the
//   unbiased M2/(n − 1).
//
// The mean is rounded to f32, and rest is what it is short of the mean: far from 0 that is more than a small spread.
//
// Layouts: partials is four planes [rows, C]: counts, means, M2s, pivots, as `batch_norm_merge` has them; everything else is
//   [C].
// Threads: one channel each.
// Limits: 8 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup

struct Params {
    channels: u32,
    rows: u32,
    eps: f32,
    momentum: f32,
    zero: u32, // 0, which no compiler knows
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partials: array<f32>;
@group(0) @binding(2) var<storage, read> running_mean: array<f32>;
@group(0) @binding(3) var<storage, read> running_var: array<f32>;
@group(0) @binding(4) var<storage, read_write> batch_mean: array<f32>;
@group(0) @binding(5) var<storage, read_write> inv_std: array<f32>;
@group(0) @binding(6) var<storage, read_write> new_running_mean: array<f32>;
@group(0) @binding(7) var<storage, read_write> new_running_var: array<f32>;
@group(0) @binding(8) var<storage, read_write> rest: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let channel = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    if (channel >= params.channels) {
        return;
    }
    let plane = params.rows * params.channels;
    var count = 0.0;
    var offset = 0.0;
    var m2 = 0.0;
    var pivot = 0.0;
    for (var row = 0u; row < params.rows; row++) {
        let at = row * params.channels + channel;
        let n = partials[at];
        if (count == 0.0) {
            pivot = partials[3u * plane + at];
        }
        let delta = (partials[3u * plane + at] - pivot) + (partials[plane + at] - offset);
        let total = count + n;
        // A row may hold nothing of a channel.
        let share = n / max(total, 1.0);
        offset += delta * share;
        m2 += partials[2u * plane + at] + delta * (delta * (count * share));
        count = total;
    }
    // By its bits: a driver may take (a − (a + b)) + b for 0.
    let mean = bitcast<f32>(bitcast<u32>(pivot + offset) ^ params.zero);
    batch_mean[channel] = mean;
    rest[channel] = (pivot - mean) + offset;
    inv_std[channel] = 1.0 / sqrt(m2 / count + params.eps);
    let keep = 1.0 - params.momentum;
    new_running_mean[channel] = running_mean[channel] * keep + mean * params.momentum;
    new_running_var[channel] = running_var[channel] * keep + m2 / (count - 1.0) * params.momentum;
}

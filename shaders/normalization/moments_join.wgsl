// mean, rest and variance of each line from the parts that `moments` left, merged as Chan, Golub and LeVeque do (Algorithms
// for computing the sample variance, 1983): the mean is rounded to f32, and rest is what it is short of the mean.
//
// Layouts: x is [lines, parts] of (count, sum, M2, pivot), of which the pivot is the line's; the rest is [lines].
// Threads: one line each.
// Limits: 4 storage buffers, no workgroup memory; parts < 65,536, which is as far as some drivers loop.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup

struct Params {
    lines: u32,
    parts: u32,
    zero: u32, // 0, which no compiler knows
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> mean: array<f32>;
@group(0) @binding(3) var<storage, read_write> rest: array<f32>;
@group(0) @binding(4) var<storage, read_write> variance: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let line = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    if (line >= params.lines) {
        return;
    }
    let first = x[line * params.parts];
    var count = first.x;
    var sum = first.y;
    var m2 = first.z;
    for (var part = 1u; part < params.parts; part++) {
        let other = x[line * params.parts + part];
        // A part may hold nothing.
        if (other.x > 0.0) {
            let delta = other.y / other.x - sum / max(count, 1.0);
            m2 += other.z + delta * (delta * (count * other.x / (count + other.x)));
            sum += other.y;
            count += other.x;
        }
    }
    let offset = sum / count;
    // By its bits: a driver may take (a − (a + b)) + b for 0.
    let rounded = bitcast<f32>(bitcast<u32>(first.w + offset) ^ params.zero);
    mean[line] = rounded;
    rest[line] = (first.w - rounded) + offset;
    variance[line] = m2 / count;
}

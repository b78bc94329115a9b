// Count, sum and centred sum of squares (M2 = Σ (d − mean d)²) of d = x − pivot over parts of lines, where the pivot is the
// first element of the line: where a line lies far from 0 its differences are exact, and nothing cancels.
//
// BLOCK elements at a time are held in registers, where M2 is exact in two passes, and merged as Chan, Golub and LeVeque do
// (Algorithms for computing the sample variance, 1983): x is read once. The sum is kept, and not the mean, so that the mean
// of an infinity is an infinity.
//
// Layouts: x is outer × axis × inner in memory; a line runs along axis. T is a vec4 along a line, whose parts are joined at
//   the end, or, if ACROSS, of four neighbouring lines; extents then count vec4s. y is [lines, parts] of (count, sum, M2,
//   pivot), for `moments_join`.
// Threads: one part of a line (of four lines) each. RUN parts share a run of neighbours, interleaved, so that a subgroup
//   reads memory as it comes.
// Limits: 2 storage buffers, no workgroup memory; a part is shorter than 65,536, which is as far as some drivers loop.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const ACROSS: bool = false; // @const whether neighbouring threads take neighbouring lines: after > 1
const RUN: u32 = 1u; // @const parts that share a run: the threads of a subgroup, or 1
const BLOCK: u32 = 8u; // @const elements that are held in registers

struct Params {
    lines: u32, // outer · inner
    along: u32, // extent of axis
    after: u32, // extent of inner
    parts: u32, // of a line, a multiple of RUN
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<T>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;

// @slot moments_width
alias T = f32;
const WIDTH: u32 = 1u;

fn split(v: T) -> array<f32, WIDTH> {
    return array<f32, WIDTH>(v);
}
// @end

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    // Read once: as far as a driver knows, a store may change them.
    let p = params;
    let i = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    if (i >= p.lines * p.parts) {
        return;
    }
    var line: u32;
    var part: u32;
    if (ACROSS) {
        line = i % p.lines;
        part = i / p.lines;
    } else {
        line = i / p.parts;
        part = i % p.parts;
    }
    let base = line / p.after * p.along * p.after + line % p.after;
    let steps = (p.along + p.parts - 1u) / p.parts * RUN;
    let first = part / RUN * steps + part % RUN;
    let end = min(part / RUN * steps + steps, p.along);

    var pivot = x[base];
    if (!ACROSS) {
        let start = split(pivot);
        pivot = T(start[0]);
    }
    // From an infinity or a NaN there is no distance.
    pivot = select(T(), pivot, abs(pivot) <= T(3.4028234e38));
    var count = 0.0;
    var sum = T();
    var m2 = T();
    var r = first;
    for (; r + (BLOCK - 1u) * RUN < end; r += BLOCK * RUN) {
        var v: array<T, BLOCK>;
        var block_sum = T();
        // @unroll
        for (var e = 0u; e < BLOCK; e++) {
            v[e] = x[base + (r + e * RUN) * p.after] - pivot;
            block_sum += v[e];
        }
        let block_mean = block_sum * (1.0 / f32(BLOCK));
        var block_m2 = T();
        // @unroll
        for (var e = 0u; e < BLOCK; e++) {
            let d = v[e] - block_mean;
            block_m2 += d * d;
        }
        let delta = block_mean - sum * (1.0 / max(count, 1.0));
        // Not delta² first: it may be infinite where its weight is 0.
        m2 += block_m2 + delta * (delta * (count * f32(BLOCK) / (count + f32(BLOCK))));
        sum += block_sum;
        count += f32(BLOCK);
    }
    for (; r < end; r += RUN) {
        let v = x[base + r * p.after] - pivot;
        let delta = v - sum * (1.0 / max(count, 1.0));
        m2 += delta * (delta * (count / (count + 1.0)));
        sum += v;
        count += 1.0;
    }
    let pivots = split(pivot);
    let sums = split(sum);
    let m2s = split(m2);
    var joined = vec4(count, sums[0], m2s[0], pivots[0]);
    // @unroll
    for (var c = 1u; c < WIDTH; c++) {
        if (ACROSS) {
            y[(line * WIDTH + c) * p.parts + part] = vec4(count, sums[c], m2s[c], pivots[c]);
        } else if (count > 0.0) {
            let delta = sums[c] / count - joined.y / joined.x;
            let weight = joined.x * count / (joined.x + count);
            joined = vec4(joined.x + count, joined.y + sums[c], joined.z + (m2s[c] + delta * (delta * weight)), joined.w);
        }
    }
    if (ACROSS) {
        y[line * WIDTH * p.parts + part] = joined;
    } else {
        y[line * p.parts + part] = joined;
    }
}

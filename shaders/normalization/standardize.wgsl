// y = ((x − mean) − rest) · scale with the numbers of each line: what `moments` says of it, and 1 / √(variance + eps). Far from
// 0 the first difference is exact, and the second has what the rounding of the mean has left.
//
// Layouts: x and y are outer × axis × inner in memory; a line runs along axis. T is a vec4 along a line, or, if ACROSS, of four
//   neighbouring lines; extents then count vec4s. mean, rest and scale are [lines].
// Threads: one part of a line (of four lines) each. RUN parts share a run of neighbours, interleaved, so that a subgroup reads
//   memory as it comes.
// Limits: 5 storage buffers, no workgroup memory; a part is shorter than 65,536, which is as far as some drivers loop.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const ACROSS: bool = false; // @const whether neighbouring threads take neighbouring lines: after > 1
const RUN: u32 = 1u; // @const parts that share a run: the threads of a subgroup, or 1
alias T = f32; // @const f32, or vec4<f32>
alias S = f32; // @const the numbers of a T's lines: T if ACROSS, else f32

struct Params {
    lines: u32, // outer · inner
    along: u32, // extent of axis
    after: u32, // extent of inner
    parts: u32, // of a line, a multiple of RUN
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<T>;
@group(0) @binding(2) var<storage, read> mean: array<S>;
@group(0) @binding(3) var<storage, read> rest: array<S>;
@group(0) @binding(4) var<storage, read> scale: array<S>;
@group(0) @binding(5) var<storage, read_write> y: array<T>;

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
    let m = T(mean[line]);
    let s = T(rest[line]);
    let f = T(scale[line]);
    for (var r = first; r < end; r += RUN) {
        let at = base + r * p.after;
        y[at] = ((x[at] - m) - s) * f;
    }
}

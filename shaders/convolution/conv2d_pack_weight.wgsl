// packed[g, t, a, b] = w[g · group_stride + a · a_stride + b · b_stride + t], or back: brings a weight O I KH KW into the order
// that a kernel reads, and its gradient out of it. With (a, b) = (input, output channel) that is what a forward pass
// takes, with (output, input) a gradient by the input.
//
// Layouts: w is O I KH KW row-major, so that the taps t = (kh, kw) of one filter and channel follow one another; packed is
//   [groups, taps, A, B] row-major.
// Threads: all taps of one (g, a, b) each, neighbours along b, so that indices are taken apart once for every filter.
// Limits: 2 storage buffers, no workgroup memory; taps < 65,535, where Mesa before 23 stops a loop.

enable f16;

alias Operand = f32; // @const type of the weight: f32 or f16
const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const UNPACK: bool = false; // @const from packed to w

struct Params {
    taps: u32,
    a: u32,
    b: u32,
    group_stride: u32,
    a_stride: u32,
    b_stride: u32,
    count: u32, // groups · A · B
    pad: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Operand>;
@group(0) @binding(2) var<storage, read_write> y: array<Operand>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let i = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    if (i >= params.count) {
        return;
    }
    let matrix = params.a * params.b;
    let g = i / matrix;
    let rest = i - g * matrix;
    let a = rest / params.b;
    let b = rest - a * params.b;
    let w_at = g * params.group_stride + a * params.a_stride + b * params.b_stride;
    let packed_at = g * params.taps * matrix + rest;
    for (var t = 0u; t < params.taps; t++) {
        if (UNPACK) {
            y[w_at + t] = x[packed_at + t * matrix];
        } else {
            y[packed_at + t * matrix] = x[w_at + t];
        }
    }
}

// y[y_offset + Σ i·y_stride] = x[x_offset + Σ i·x_stride] over every index of a box: permute, slice, concat, pad,
// expand and changes of layout are all this copy with other numbers, unless runs are long enough for the device's own copy
// or tiles can be transposed (transpose.wgsl).
//
// Layouts: any, by strides; elements are 32 bits of any type. A VALUE is four of them where the fastest axis is contiguous
//   in both and everything is a multiple of four; strides and offsets then count vec4s. They are added modulo 2^32.
// Threads: VECTORS iterations each, LANES apart, of STEP VALUEs of the fastest axis, the fastest axis of y first, so that
//   neighbours write neighbours; the index is split into coordinates once an iteration.
// Limits: 2 storage buffers; up to 8 axes, of which the host merges those that it can.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 32u; // @const distance of a thread's iterations: threads of a subgroup stay together
const VECTORS: u32 = 1u; // @const iterations of a thread
const RANK: u32 = 4u; // @const axes left after merging
const STEP: u32 = 1u; // @const VALUEs of the fastest axis that one iteration copies
alias VALUE = vec4<u32>; // @const u32 where an extent, a stride or an offset is no multiple of four

struct Params {
    shape: array<vec4<u32>, 2>, // the fastest axis in steps
    magic: array<vec4<u32>, 2>, // for division by the extents
    shift: array<vec4<u32>, 2>,
    x_strides: array<vec4<u32>, 2>,
    y_strides: array<vec4<u32>, 2>,
    count: u32, // steps in all
    x_offset: u32,
    y_offset: u32,
    x_inner: u32, // strides of the fastest axis
    y_inner: u32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<VALUE>;
@group(0) @binding(2) var<storage, read_write> y: array<VALUE>;

// n / d for n < 2^31, where `magic` and `shift` belong to d: an integer division is tens of instructions on a GPU and one
// lane after the other on a CPU (Granlund and Montgomery, Division by invariant integers, PLDI 1994).
fn quotient(n: u32, magic: u32, shift: u32) -> u32 {
    let low = n & 0xffffu;
    let high = n >> 16u;
    let middle = high * (magic & 0xffffu) + ((low * (magic & 0xffffu)) >> 16u);
    let rest = (middle & 0xffffu) + low * (magic >> 16u);
    return (high * (magic >> 16u) + (middle >> 16u) + (rest >> 16u) + n) >> shift;
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let t = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    let start = t / LANES * (LANES * VECTORS) + t % LANES;
    let end = min(start + LANES * VECTORS, params.count);
    // Read once: as far as a driver knows, a store may change them.
    var shape = params.shape;
    var magic = params.magic;
    var shift = params.shift;
    var x_strides = params.x_strides;
    var y_strides = params.y_strides;
    let offsets = vec2(params.x_offset, params.y_offset);
    let inner = vec2(params.x_inner, params.y_inner);
    for (var i = start; i < end; i += LANES) {
        var rest = i;
        var x_at = offsets.x;
        var y_at = offsets.y;
        // The slowest axis takes what is left of the index.
        // @unroll
        for (var step = 1u; step < RANK; step++) {
            let axis = RANK - step;
            let next = quotient(rest, magic[axis / 4u][axis % 4u], shift[axis / 4u][axis % 4u]);
            let index = rest - next * shape[axis / 4u][axis % 4u];
            rest = next;
            x_at += index * x_strides[axis / 4u][axis % 4u];
            y_at += index * y_strides[axis / 4u][axis % 4u];
        }
        x_at += rest * x_strides[0].x;
        y_at += rest * y_strides[0].x;
        // @unroll
        for (var j = 0u; j < STEP; j++) {
            y[y_at + j * inner.y] = x[x_at + j * inner.x];
        }
    }
}

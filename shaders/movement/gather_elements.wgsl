// y[c] = x[c with index[c] along the axis]: an element for each index. A negative index counts from the back; one that is
// outside the axis gives 0.
//
// Layouts: x, the indices and y are row-major, elements are 32 bits of any type. y has the shape of the indices, whose extents
//   off the axis are those of x or less.
// Threads: one element of y each.
// Limits: 3 storage buffers, no workgroup memory; up to 8 axes, of which the host merges those that it can.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const RANK: u32 = 4u; // @const axes left after merging

struct Params {
    shape: array<vec4<u32>, 2>,
    magic: array<vec4<u32>, 2>, // for division by the extents
    shift: array<vec4<u32>, 2>,
    x_strides: array<vec4<u32>, 2>, // 0 along the axis
    count: u32, // elements of y
    extent: u32, // of the axis in x
    step: u32, // from one element to the next along it
    pad: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read> indices: array<i32>;
@group(0) @binding(3) var<storage, read_write> y: array<u32>;

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
    let i = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    if (i >= params.count) {
        return;
    }
    var rest = i;
    var base = 0u;
    // @unroll
    for (var step = 0u; step < RANK; step++) {
        let axis = RANK - 1u - step;
        let next = quotient(rest, params.magic[axis / 4u][axis % 4u], params.shift[axis / 4u][axis % 4u]);
        base += (rest - next * params.shape[axis / 4u][axis % 4u]) * params.x_strides[axis / 4u][axis % 4u];
        rest = next;
    }
    let named = indices[i];
    let place = select(named, named + i32(params.extent), named < 0);
    let inside = place >= 0 && place < i32(params.extent);
    // The index is guarded and not only the value: both sides of a select are computed.
    let found = x[base + u32(select(0, place, inside)) * params.step];
    y[i] = select(0u, found, inside);
}

// y[c with index[c, i] along the axis] = update(y there, updates[c, i]) for the i from `first` to `end` of each line c along the
// axis, one after the other. A negative index counts from the back; one that is outside the axis is left out. y is x before.
//
// Layouts: y, the indices and the updates are row-major, elements are 32 bits. Indices and updates have one shape, whose extents
//   off the axis are those of y or less.
// Threads: a line along the axis each, which no other thread writes: equal indices meet in the order of i, and the bits are the
//   same at each run.
// Limits: 3 storage buffers, no workgroup memory; up to 8 axes, of which the host merges those that it can. A thread takes
//   `end` − `first` steps, few enough for any driver (see the launcher). Where there are few lines few threads work.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const RANK: u32 = 4u; // @const axes of the lines left after merging

struct Params {
    shape: array<vec4<u32>, 2>,
    magic: array<vec4<u32>, 2>, // for division by the extents
    shift: array<vec4<u32>, 2>,
    from_strides: array<vec4<u32>, 2>, // of the indices and the updates
    y_strides: array<vec4<u32>, 2>,
    lines: u32,
    from_step: u32, // along the axis
    y_step: u32,
    extent: u32, // of the axis in y
    first: u32, // of this launch's updates
    end: u32, // behind them
    pad0: u32,
    pad1: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> indices: array<i32>;
@group(0) @binding(2) var<storage, read> updates: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<u32>;

// @slot update
fn update(old: u32, value: u32) -> u32 {
    return value;
}
// @end

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
    let line = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    if (line >= params.lines) {
        return;
    }
    var rest = line;
    var from_base = 0u;
    var y_base = 0u;
    // @unroll
    for (var step = 0u; step < RANK; step++) {
        let axis = RANK - 1u - step;
        let next = quotient(rest, params.magic[axis / 4u][axis % 4u], params.shift[axis / 4u][axis % 4u]);
        let index = rest - next * params.shape[axis / 4u][axis % 4u];
        rest = next;
        from_base += index * params.from_strides[axis / 4u][axis % 4u];
        y_base += index * params.y_strides[axis / 4u][axis % 4u];
    }
    // Read once: as far as a driver knows, a store may change them.
    let extent = i32(params.extent);
    let from_step = params.from_step;
    let y_step = params.y_step;
    let end = params.end;
    for (var i = params.first; i < end; i++) {
        let from_at = from_base + i * from_step;
        let named = indices[from_at];
        let place = select(named, named + extent, named < 0);
        if (place >= 0 && place < extent) {
            let to = y_base + u32(place) * y_step;
            y[to] = update(y[to], updates[from_at]);
        }
    }
}

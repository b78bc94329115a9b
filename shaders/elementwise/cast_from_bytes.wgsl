// y[i] = x[i] widened from i8 or u8 to a word of 32 bits: four bytes of x lie in a word, the first one lowest.
//
// Layouts: any; x and y have the same layout, and both are rounded up to whole vec4s by the allocation.
// Threads: one word of x each, a vec4 of y; workgroups are folded over the grid's axes.
// Limits: 2 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const SIGNED: bool = true; // @const whether a byte has a sign

struct Params {
    words: u32, // ceil(count / 4)
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<u32>>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let i = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    if (i >= params.words) {
        return;
    }
    // Each byte at the top of its word; the way down fills with the sign or with zeros.
    let top = vec4(x[i]) << vec4(24u, 16u, 8u, 0u);
    if (SIGNED) {
        y[i] = bitcast<vec4<u32>>(bitcast<vec4<i32>>(top) >> vec4(24u));
    } else {
        y[i] = top >> vec4(24u);
    }
}

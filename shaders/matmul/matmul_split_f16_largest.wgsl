// largest[g] = max |x[i]| over the elements i of workgroup g, the first pass of matmul_split_f16: it scales the operands so
// that f16 holds them. Elements are finite; of none it gives 0.
//
// Layouts: any.
// Threads: 256 to a workgroup, at most 256 workgroups; a thread takes every (256 · groups)-th element.
// Workgroup memory: 1 KiB.
// Limits: 2 storage buffers, 256 threads.

struct Params {
    count: u32,
    workgroups: u32, // with work
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> largest: array<f32>;

var<workgroup> found: array<f32, 256>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let id = group.x + grid.x * (group.y + grid.y * group.z);
    let step = 256u * params.workgroups;
    var most = 0.0;
    for (var i = id * 256u + thread; i < params.count; i += step) {
        most = max(most, abs(x[i]));
    }
    found[thread] = most;
    for (var half = 128u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (thread < half) {
            found[thread] = max(found[thread], found[thread + half]);
        }
    }
    if (thread == 0u && id < params.workgroups) {
        largest[id] = found[0];
    }
}

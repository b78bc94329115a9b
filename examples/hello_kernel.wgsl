// y[i] = a · x[i] + y[i], the "axpy" of linear algebra.
// Threads: one element each.

struct Params {
    count: u32,
    a: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    // The runtime folds the workgroups over three axes: this is their number.
    let i = (group.x + grid.x * (group.y + grid.y * group.z)) * 64u + thread;
    if (i < params.count) {
        y[i] = params.a * x[i] + y[i];
    }
}

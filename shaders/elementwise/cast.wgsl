// y[i] = convert(x[i]) between 4-byte types: f32, i32, u32. Float to integer truncates and saturates, as in Rust.
//
// Threads: VECTORS vec4s each, LANES apart; workgroups are folded over the grid's axes.
// Limits: 2 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 32u; // @const distance of a thread's vec4s: threads of a subgroup stay together
const VECTORS: u32 = 1u; // @const vec4s of a thread
alias FROM = f32; // @const element type of x
alias TO = f32; // @const element type of y

struct Params {
    vectors: u32, // ceil(count / 4)
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<FROM>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<TO>>;

// @slot convert
fn convert(v: vec4<FROM>) -> vec4<TO> {
    return vec4<TO>(v);
}
// @end

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let t = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    let start = t / LANES * (LANES * VECTORS) + t % LANES;
    let end = min(start + LANES * VECTORS, params.vectors);
    for (var i = start; i < end; i += LANES) {
        y[i] = convert(x[i]);
    }
}

// With g = gradient + decay · p: s ← α s + (1 − α) g² and d = √s + eps, or centred a ← α a + (1 − α) g and d = √(s − a²) + eps;
// then p ← p − lr · g / d, or with momentum b ← momentum · b + g / d and p ← p − lr · b. In place (Tieleman and Hinton, 2012;
// Graves, arXiv 1308.0850). What a variant does not need is not touched: any small buffer stands in its place.
//
// Layouts: any; all tensors alike.
// Threads: VECTORS vec4s each, LANES apart; workgroups are folded over the grid's axes.
// Limits: 5 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 32u; // @const distance of a thread's vec4s: threads of a subgroup stay together
const VECTORS: u32 = 1u; // @const vec4s of a thread

struct Params {
    vectors: u32, // ceil(count / 4)
    centered: u32, // 1 or 0
    moves: u32, // 1 with momentum, else 0
    lr: f32,
    alpha: f32,
    rest: f32, // 1 − α
    eps: f32,
    decay: f32, // of the L2 penalty
    momentum: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gradient: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> parameter: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> square: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> mean: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> buffer: array<vec4<f32>>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    // Read once: as far as a driver knows, a store may change them.
    let p = params;
    let t = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    let start = t / LANES * (LANES * VECTORS) + t % LANES;
    let end = min(start + LANES * VECTORS, p.vectors);
    for (var i = start; i < end; i += LANES) {
        let w = parameter[i];
        let g = gradient[i] + p.decay * w;
        let s = p.alpha * square[i] + p.rest * g * g;
        square[i] = s;
        var spread = s;
        if (p.centered == 1u) {
            let a = p.alpha * mean[i] + p.rest * g;
            mean[i] = a;
            let variance = s - a * a;
            // Rounding may leave less than nothing. Not max, which may drop a NaN.
            spread = select(variance, vec4(0.0), variance < vec4(0.0));
        }
        var direction = g / (sqrt(spread) + p.eps);
        if (p.moves == 1u) {
            direction += p.momentum * buffer[i];
            buffer[i] = direction;
        }
        parameter[i] = w - p.lr * direction;
    }
}

// y[n,oy,ox,c] = max over the taps (ky, kx) of x[n, oy*stride + ky*dilation - padding, ..., c] of bytes. Padding never wins.
//
// Layouts: x and y channels-last, four channels in a word. Pairs are height and width.
// Threads: VECTORS words of y each, LANES apart; workgroups are folded over the grid's axes.
// Limits: 2 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LANES: u32 = 32u; // @const distance of a thread's words: threads of a subgroup stay together
const VECTORS: u32 = 1u; // @const words of a thread
const SIGNED: bool = true; // @const bytes have a sign

struct Params {
    input: vec2<u32>,
    output: vec2<u32>,
    kernel: vec2<u32>,
    stride: vec2<u32>,
    padding: vec2<u32>,
    dilation: vec2<u32>,
    words: u32, // of a pixel
    count: u32, // words of y
    pad0: u32,
    pad1: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;

/// The four bytes of a word.
fn bytes(word: u32, is_signed: bool) -> vec4<i32> {
    let high = vec4(word) << vec4(24u, 16u, 8u, 0u);
    return select(bitcast<vec4<i32>>(high >> vec4(24u)), bitcast<vec4<i32>>(high) >> vec4(24u), is_signed);
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let t = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    let begin = t / LANES * (LANES * VECTORS) + t % LANES;
    let end = min(begin + LANES * VECTORS, params.count);
    for (var i = begin; i < end; i += LANES) {
        let word = i % params.words;
        let pixel = i / params.words;
        let row = pixel / params.output.y;
        let image = row / params.output.x;
        let start = vec2(row - image * params.output.x, pixel - row * params.output.y) * params.stride;
        let base = image * params.input.x * params.input.y;
        var best = vec4(-129);
        for (var ky = 0u; ky < params.kernel.x; ky++) {
            for (var kx = 0u; kx < params.kernel.y; kx++) {
                // What lies in the padding wraps, or is beyond the image.
                let at = start + vec2(ky, kx) * params.dilation - params.padding;
                if (at.x < params.input.x && at.y < params.input.y) {
                    best = max(best, bytes(x[(base + at.x * params.input.y + at.y) * params.words + word], SIGNED));
                }
            }
        }
        let b = bitcast<vec4<u32>>(best) & vec4(255u);
        y[i] = b.x | (b.y << 8u) | (b.z << 16u) | (b.w << 24u);
    }
}

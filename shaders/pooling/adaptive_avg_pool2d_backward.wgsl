// grad_x[n, iy, ix, c] = Σ grad_y[n, oy, ox, c] / (pixels of window (oy, ox)) over the windows that hold (iy, ix):
// ⌊iy·OH/H⌋ ≤ oy < ⌈(iy + 1)·OH/H⌉, and ox likewise.
//
// Layouts: grad_y and grad_x channels-last (N H W C). Pairs are height and width.
// Threads: one VALUE of grad_x each (four channels of a pixel, or one), channels fastest.
// Limits: 2 storage buffers, no workgroup memory. H·OH and W·OW fit 32 bits.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
alias VALUE = vec4<f32>; // @const f32 where the channels are no multiple of four

struct Params {
    input: vec2<u32>,
    output: vec2<u32>,
    channels: u32, // VALUEs in a pixel
    count: u32, // VALUEs of grad_x
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> grad_y: array<VALUE>;
@group(0) @binding(2) var<storage, read_write> grad_x: array<VALUE>;

fn window_pixels(window: vec2<u32>) -> f32 {
    let first = window * params.input / params.output;
    let end = ((window + 1u) * params.input + params.output - 1u) / params.output;
    return f32((end.x - first.x) * (end.y - first.y));
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
    let pixel = i / params.channels;
    let channel = i - pixel * params.channels;
    let row = pixel / params.input.y;
    let image = row / params.input.x;
    let here = vec2(row - image * params.input.x, pixel - row * params.input.y);
    let first = here * params.output / params.input;
    let end = ((here + 1u) * params.output + params.input - 1u) / params.input;

    var sum = VALUE(0.0);
    for (var oy = first.x; oy < end.x; oy++) {
        for (var ox = first.y; ox < end.y; ox++) {
            let at = ((image * params.output.x + oy) * params.output.y + ox) * params.channels + channel;
            sum += grad_y[at] / window_pixels(vec2(oy, ox));
        }
    }
    grad_x[i] = sum;
}

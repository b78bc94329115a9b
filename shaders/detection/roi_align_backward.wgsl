// grad_x[n, iy, ix, c] = Σ grad_y[k, oy, ox, c] · rows[k, iy, oy] · columns[k, ix, ox] over the bins of all regions of image n, in
// their order, where roi_align_weights has written the weights of rows and columns.
//
// Layouts: grad_y and grad_x channels-last (K OH OW C, N H W C), rois K × 5; weights and spans as roi_align_weights has them. Pairs
//   are height and width.
// Threads: one VALUE of grad_x each (four channels of a pixel, or one), channels fastest. It goes through the regions and adds the
//   bins that reach its pixel, so that no two threads add to one place.
// Limits: 5 storage buffers, no workgroup memory. Steps of a thread: regions · (1 + OH · (1 + OW)) at most; more regions go over
//   several launches, each of which adds to what the others left.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
alias VALUE = vec4<f32>; // @const f32 where the channels are no multiple of four

struct Params {
    input: vec2<u32>,
    output: vec2<u32>,
    channels: u32, // VALUEs in a pixel
    count: u32, // VALUEs of grad_x
    region: u32, // the first
    regions: u32, // of this launch
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rois: array<f32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read> spans: array<u32>;
@group(0) @binding(4) var<storage, read> grad_y: array<VALUE>;
@group(0) @binding(5) var<storage, read_write> grad_x: array<VALUE>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let p = params;
    let i = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    if (i >= p.count) {
        return;
    }
    let pixel = i / p.channels;
    let channel = i - pixel * p.channels;
    let row = pixel / p.input.y;
    let column = pixel - row * p.input.y;
    let image = row / p.input.x;
    let above = row - image * p.input.x;
    let size = p.input.x * p.output.x + p.input.y * p.output.y;
    var sum = VALUE(0.0);
    for (var own = 0u; own < p.regions; own++) {
        let region = p.region + own;
        // What is no number has no span.
        if (u32(max(rois[region * 5u], 0.0)) != image) {
            continue;
        }
        let places = own * (p.input.x + p.input.y);
        let down = spans[places + above];
        if (down == 0u) {
            continue;
        }
        let across = spans[places + p.input.x + column];
        let rows = own * size + above * p.output.x;
        let columns = own * size + p.input.x * p.output.x + column * p.output.y;
        for (var oy = down & 0xffffu; oy < (down >> 16u); oy++) {
            let at = (region * p.output.x + oy) * p.output.y;
            var line = VALUE(0.0);
            for (var ox = across & 0xffffu; ox < (across >> 16u); ox++) {
                line += grad_y[(at + ox) * p.channels + channel] * weights[columns + ox];
            }
            sum += line * weights[rows + oy];
        }
    }
    if (p.region > 0u) {
        sum += grad_x[i];
    }
    grad_x[i] = sum;
}

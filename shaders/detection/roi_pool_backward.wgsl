// grad_x[n, iy, ix, c] = Σ grad_y[k, oy, ox, c] over the bins of all regions of image n whose largest element is that of pixel
// (iy, ix), in their order.
//
// Layouts: grad_y, indices and grad_x channels-last (K OH OW C, N H W C), rois K × 5 (image x1 y1 x2 y2). Pairs are height and
//   width.
// Threads: one VALUE of grad_x each (four channels of a pixel, or one), channels fastest. It goes through the regions and asks the
//   bins that may reach its pixel, so that no two threads add to one place.
// Limits: 4 storage buffers, no workgroup memory. Steps of a thread: regions · (1 + OH · (1 + OW)) at most; more regions go over
//   several launches, each of which adds to what the others left.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
alias VALUE = vec4<f32>; // @const f32 where the channels are no multiple of four
alias INDEX = vec4<i32>; // @const i32 along with it

struct Params {
    input: vec2<u32>,
    output: vec2<u32>,
    channels: u32, // VALUEs in a pixel
    count: u32, // VALUEs of grad_x
    region: u32, // the first
    regions: u32, // of this launch
    scale: f32,
    pad: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rois: array<f32>;
@group(0) @binding(2) var<storage, read> indices: array<INDEX>;
@group(0) @binding(3) var<storage, read> grad_y: array<VALUE>;
@group(0) @binding(4) var<storage, read_write> grad_x: array<VALUE>;

// The nearest whole number, half ones away from 0, as far as a pixel can be.
fn nearest(x: f32) -> i32 {
    let whole = trunc(x);
    let away = select(0.0, sign(x), abs(x - whole) >= 0.5);
    return i32(clamp(whole + away, -16777216.0, 16777216.0));
}

// The bins of a region that may hold a pixel: one more on either side than rounding can take away.
fn bins_of(low: f32, high: f32, bins: u32, pixel: u32) -> vec2<u32> {
    let start = nearest(low);
    let length = max(nearest(high) - start + 1, 1);
    let place = i32(pixel) - start;
    if (place < 0 || place > length) {
        return vec2(0u);
    }
    let of_pixel = f32(bins) / f32(length);
    let first = max(floor(f32(place) * of_pixel) - 1.0, 0.0);
    let behind = clamp(ceil(f32(place + 1) * of_pixel) + 1.0, first, f32(bins));
    return vec2(u32(first), u32(behind));
}

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
    let here = INDEX(i32(above * p.input.y + column));
    var sum = VALUE(0.0);
    for (var region = p.region; region < p.region + p.regions; region++) {
        let at = region * 5u;
        // A number that is none has no index.
        if (rois[at] <= -1.0 || u32(max(rois[at], 0.0)) != image) {
            continue;
        }
        let rows = bins_of(rois[at + 2u] * p.scale, rois[at + 4u] * p.scale, p.output.x, above);
        if (rows.x >= rows.y) {
            continue;
        }
        let columns = bins_of(rois[at + 1u] * p.scale, rois[at + 3u] * p.scale, p.output.y, column);
        for (var oy = rows.x; oy < rows.y; oy++) {
            for (var ox = columns.x; ox < columns.y; ox++) {
                let bin = ((region * p.output.x + oy) * p.output.y + ox) * p.channels + channel;
                sum += select(VALUE(0.0), grad_y[bin], indices[bin] == here);
            }
        }
    }
    if (p.region > 0u) {
        sum += grad_x[i];
    }
    grad_x[i] = sum;
}

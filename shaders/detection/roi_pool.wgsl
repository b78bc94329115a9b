// y[k, oy, ox, c] = max over the pixels of bin (oy, ox) of region k of x[image, ·, ·, c], and the index in its H·W plane where that
// was found; 0 and −1 for a bin without pixels (Girshick, Fast R-CNN, arXiv 1504.08083). A region's corners are rounded to pixels,
// both inside. One with a number that is none gives what is none, one of no image is empty.
//
// Layouts: x, y and indices channels-last (N H W C, K OH OW C), rois K × 5 (image x1 y1 x2 y2). Pairs are height and width.
// Threads: one VALUE of y each (four channels of a bin, or one), channels fastest.
// Limits: 4 storage buffers, no workgroup memory. `rows` · (width + 1) steps; more rows go over several launches.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
alias VALUE = vec4<f32>; // @const f32 where the channels are no multiple of four
alias INDEX = vec4<i32>; // @const i32 along with it

struct Params {
    input: vec2<u32>,
    output: vec2<u32>,
    images: u32,
    channels: u32, // VALUEs in a pixel
    count: u32, // VALUEs of y
    first: u32, // row of a bin, of this launch
    rows: u32, // of this launch
    scale: f32,
    nan: f32,
    pad: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<VALUE>;
@group(0) @binding(2) var<storage, read> rois: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<VALUE>;
@group(0) @binding(4) var<storage, read_write> indices: array<INDEX>;

fn finite(x: f32) -> bool {
    return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u;
}

// a / b for normal positive numbers, correctly rounded: a driver's quotient may be off by some units in the last place.
fn rounded_quotient(a: f32, b: f32) -> f32 {
    let bits = vec2(bitcast<u32>(a), bitcast<u32>(b));
    var exponent = (bits.x >> 23u) + 126u - (bits.y >> 23u);
    let divisor = (bits.y & 0x7fffffu) | 0x800000u;
    var rest = (bits.x & 0x7fffffu) | 0x800000u;
    if (rest < divisor) {
        rest <<= 1u;
        exponent -= 1u;
    }
    var digits = 0u;
    for (var at = 0u; at < 25u; at++) {
        digits <<= 1u;
        if (rest >= divisor) {
            rest -= divisor;
            digits |= 1u;
        }
        rest <<= 1u;
    }
    // The last digit is half a unit; a quotient of two such numbers is never the middle of two others.
    return bitcast<f32>((exponent << 23u) + (digits >> 1u) + (digits & 1u));
}

// The nearest whole number, half ones away from 0, as far as a pixel can be.
fn nearest(x: f32) -> i32 {
    let whole = trunc(x);
    let away = select(0.0, sign(x), abs(x - whole) >= 0.5);
    return i32(clamp(whole + away, -16777216.0, 16777216.0));
}

// The pixels of a bin along an axis: the first, and the one behind the last.
fn pixels(low: f32, high: f32, bins: u32, bin: u32, extent: u32) -> vec2<i32> {
    let start = nearest(low);
    let size = rounded_quotient(f32(max(nearest(high) - start + 1, 1)), f32(bins));
    let ends = vec2(floor(f32(bin) * size), ceil(f32(bin + 1u) * size));
    return clamp(vec2<i32>(ends) + start, vec2(0), vec2(i32(extent)));
}

// The larger of two, and NaN as soon as one is that, as PyTorch has it. A comparison with NaN is false.
fn larger(a: VALUE, b: VALUE) -> VALUE {
    return select(b, a, (a >= b) | !(a == a));
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
    let bin = i / p.channels;
    let channel = i - bin * p.channels;
    let row = bin / p.output.y;
    let region = row / p.output.x;
    let at = region * 5u;
    let image = rois[at];
    let low = vec2(rois[at + 2u], rois[at + 1u]) * p.scale;
    let high = vec2(rois[at + 4u], rois[at + 3u]) * p.scale;
    let known = finite(image) && finite(low.x) && finite(low.y) && finite(high.x) && finite(high.y);
    let rows = pixels(low.x, high.x, p.output.x, row % p.output.x, p.input.x);
    let columns = pixels(low.y, high.y, p.output.y, bin % p.output.y, p.input.y);
    let empty = rows.x >= rows.y || columns.x >= columns.y;
    if (!known || empty || image <= -1.0 || image >= f32(p.images)) {
        y[i] = VALUE(select(p.nan, 0.0, known));
        indices[i] = INDEX(-1);
        return;
    }
    let begin = u32(rows.x) + p.first;
    let end = min(u32(rows.y), begin + p.rows);
    if (begin >= end) {
        return;
    }
    let base = u32(image) * p.input.x;
    var best: VALUE;
    var best_at: INDEX;
    var opening = p.first == 0u;
    if (!opening) {
        best = y[i];
        best_at = indices[i];
    }
    for (var iy = begin; iy < end; iy++) {
        for (var ix = u32(columns.x); ix < u32(columns.y); ix++) {
            let value = x[((base + iy) * p.input.y + ix) * p.channels + channel];
            // Of equal elements the first wins, of NaNs the last.
            let later = select(best_at, INDEX(i32(iy * p.input.y + ix)), (value > best) | !(value == value));
            best_at = select(later, INDEX(i32(iy * p.input.y + ix)), opening);
            best = select(larger(best, value), value, opening);
            opening = false;
        }
    }
    y[i] = best;
    indices[i] = best_at;
}

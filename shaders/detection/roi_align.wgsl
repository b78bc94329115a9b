// y[k, oy, ox, c] = mean over the samples of bin (oy, ox) of region k of x[image, ·, ·, c], interpolated between the four pixels
// around each (He et al., Mask R-CNN, arXiv 1703.06870). A sample outside −1 … extent is 0 and counts. A region with a number that
// is none gives what is none; one of no image, or without samples, gives 0.
//
// Layouts: x and y channels-last (N H W C, K OH OW C), rois K × 5 (image x1 y1 x2 y2). Pairs are height and width.
// Threads: one VALUE of y each (four channels of a bin, or one), channels fastest. Samples outside are skipped by arithmetic, so
//   that a huge region takes no longer than the image is large.
// Limits: 3 storage buffers, no workgroup memory. `rows` · (columns of samples + 2) steps; more rows go over several launches.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
alias VALUE = vec4<f32>; // @const f32 where the channels are no multiple of four

struct Params {
    input: vec2<u32>,
    output: vec2<u32>,
    images: u32,
    channels: u32, // VALUEs in a pixel
    count: u32, // VALUEs of y
    ratio: u32, // samples of a bin along each axis; 0 for one a pixel
    first: u32, // row of a bin's samples, of this launch
    rows: u32, // of this launch
    scale: f32,
    offset: f32, // of a region in pixels
    least: f32, // height and width of a region
    nan: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<VALUE>;
@group(0) @binding(2) var<storage, read> rois: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<VALUE>;

// Samples of a bin along an axis: at start + (i + 0.5) · size / samples, of which begin … end may lie inside.
struct Samples {
    start: f32,
    size: f32,
    samples: f32,
    begin: u32,
    end: u32,
}

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

fn samples_of(low: f32, length: f32, bins: u32, bin: u32, extent: u32) -> Samples {
    if (length < 1e-30) {
        // Of no extent, or the wrong way round.
        let samples = f32(select(params.ratio, select(0u, 1u, length > 0.0), params.ratio == 0u));
        let size = length / f32(bins);
        return Samples(low + f32(bin) * size, size, samples, 0u, u32(samples));
    }
    let size = rounded_quotient(length, f32(bins));
    let samples = select(min(ceil(size), 16777216.0), f32(params.ratio), params.ratio > 0u);
    let start = low + f32(bin) * size;
    let step = size / samples;
    // One more on either side, for this is rounded.
    let begin = clamp(floor((-1.0 - start) / step - 0.5) - 1.0, 0.0, samples);
    let end = clamp(ceil((f32(extent) - start) / step) + 1.0, begin, samples);
    return Samples(start, size, samples, u32(begin), u32(end));
}

fn place(s: Samples, i: u32) -> f32 {
    return s.start + (f32(i) + 0.5) * s.size / s.samples;
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
    let low = vec2(rois[at + 2u], rois[at + 1u]) * p.scale - p.offset;
    let lengths = vec2(rois[at + 4u], rois[at + 3u]) * p.scale - p.offset - low;
    if (!(finite(image) && finite(low.x) && finite(low.y) && finite(lengths.x) && finite(lengths.y))) {
        y[i] = VALUE(p.nan);
        return;
    }
    if (image <= -1.0 || image >= f32(p.images)) {
        y[i] = VALUE(0.0);
        return;
    }
    let rows = samples_of(low.x, max(lengths.x, p.least), p.output.x, row % p.output.x, p.input.x);
    let columns = samples_of(low.y, max(lengths.y, p.least), p.output.y, bin % p.output.y, p.input.y);
    let base = u32(image) * p.input.x;
    let last = p.input - 1u;
    var sum = VALUE(0.0);
    let begin = rows.begin + p.first;
    let end = min(rows.end, begin + p.rows);
    if (p.first > 0u && begin >= end) {
        return;
    }
    for (var sy = begin; sy < end; sy++) {
        let down = place(rows, sy);
        if (down < -1.0 || down > f32(p.input.x)) {
            continue;
        }
        let top = min(u32(max(down, 0.0)), last.x);
        let low_share = select(max(down, 0.0) - f32(top), 0.0, top == last.x);
        let above = (base + top) * p.input.y;
        let below = (base + min(top + 1u, last.x)) * p.input.y;
        for (var sx = columns.begin; sx < columns.end; sx++) {
            let across = place(columns, sx);
            if (across < -1.0 || across > f32(p.input.y)) {
                continue;
            }
            let left = min(u32(max(across, 0.0)), last.y);
            let right = min(left + 1u, last.y);
            let share = select(max(across, 0.0) - f32(left), 0.0, left == last.y);
            let upper = x[(above + left) * p.channels + channel] * (1.0 - share)
                + x[(above + right) * p.channels + channel] * share;
            let lower = x[(below + left) * p.channels + channel] * (1.0 - share)
                + x[(below + right) * p.channels + channel] * share;
            sum += upper * (1.0 - low_share) + lower * low_share;
        }
    }
    sum /= max(rows.samples * columns.samples, 1.0);
    if (p.first > 0u) {
        sum += y[i];
    }
    y[i] = sum;
}

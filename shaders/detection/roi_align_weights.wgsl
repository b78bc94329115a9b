// The weights of roi_align, axis by axis: what a pixel's row, or column, counts in each bin's mean. Those of a row and a column
// multiplied are the weight of the pixel.
//
// Layouts: rois K × 5 (image x1 y1 x2 y2); weights K × (rows · OH + columns · OW), bins fastest; spans K × (rows + columns), the
//   first bin that is not 0 and 65,536 times the one behind the last, 0 without any. Pairs are height and width.
// Threads: a row or a column of the image for each region, which visits the samples within one pixel of it, bin by bin.
// Limits: 3 storage buffers, no workgroup memory. Bins have at most 16,384 samples along an axis if their number is given, else as
//   many as pixels: steps stay below 65,535.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup

struct Params {
    input: vec2<u32>,
    output: vec2<u32>,
    images: u32,
    region: u32, // the first
    count: u32, // threads
    ratio: u32, // samples of a bin along each axis; 0 for one a pixel
    scale: f32,
    offset: f32, // of a region in pixels
    least: f32, // height and width of a region
    pad: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rois: array<f32>;
@group(0) @binding(2) var<storage, read_write> weights: array<f32>;
@group(0) @binding(3) var<storage, read_write> spans: array<u32>;

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

// The samples of a bin, where their number follows from the region.
fn own_samples(length: f32, bins: u32) -> f32 {
    if (length < 1e-30) {
        return select(0.0, 1.0, length > 0.0);
    }
    return min(ceil(rounded_quotient(length, f32(bins))), 16777216.0);
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
    let places = p.input.x + p.input.y;
    let own = i / places;
    let place = i - own * places;
    let at = (p.region + own) * 5u;
    let by_column = place >= p.input.x;
    let axis = select(0u, 1u, by_column);
    let pixel = select(place, place - p.input.x, by_column);
    let extent = p.input[axis];
    let bins = p.output[axis];
    let to = own * (p.input.x * p.output.x + p.input.y * p.output.y)
        + select(0u, p.input.x * p.output.x, by_column) + pixel * bins;
    let image = rois[at];
    let low = rois[at + 2u - axis] * p.scale - p.offset;
    let found = rois[at + 4u - axis] * p.scale - p.offset - low;
    let other = rois[at + 1u + axis] + rois[at + 3u + axis];
    let inside = finite(image) && finite(low) && finite(found) && finite(other) && image > -1.0
        && image < f32(p.images);
    if (!inside) {
        spans[i] = 0u;
        return;
    }
    let length = max(found, p.least);
    let given = p.ratio > 0u;
    let samples = select(own_samples(length, bins), f32(p.ratio), given);
    var size = length / f32(bins);
    if (length >= 1e-30) {
        size = rounded_quotient(length, f32(bins));
    }
    // Samples beyond the outermost pixels belong to these.
    let near = vec2(
        select(f32(pixel) - 1.0, -1.0, pixel == 0u),
        select(f32(pixel) + 1.0, f32(extent), pixel == extent - 1u),
    );
    var span = vec2(bins, 0u);
    for (var bin = 0u; bin < bins; bin++) {
        let start = low + f32(bin) * size;
        var begin = 0.0;
        var end = samples;
        if (length >= 1e-30) {
            // One more on either side, for this is rounded.
            let step = size / samples;
            begin = clamp(floor((near.x - start) / step - 0.5) - 1.0, 0.0, samples);
            end = clamp(ceil((near.y - start) / step) + 1.0, begin, samples);
        }
        var sum = 0.0;
        for (var sample = u32(begin); sample < u32(end); sample++) {
            let here = start + (f32(sample) + 0.5) * size / samples;
            if (here >= -1.0 && here <= f32(extent)) {
                let held = clamp(here, 0.0, f32(extent - 1u));
                sum += max(1.0 - abs(held - f32(pixel)), 0.0);
            }
        }
        weights[to + bin] = sum / max(samples, 1.0);
        if (sum > 0.0) {
            span = vec2(min(span.x, bin), bin + 1u);
        }
    }
    spans[i] = select(0u, span.x | (span.y << 16u), span.y > 0u);
}

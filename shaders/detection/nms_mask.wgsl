// mask[b, w, i] has bit j % 32 for each box j = 32·w … 32·w + 31 behind box i that is of its class and overlaps it by more than
// the threshold: inter / (area_i + area_j − inter) > threshold. An overlap that is no number is no overlap.
//
// Layouts: boxes are images × count × 4 (x1 y1 x2 y2), classes images × count; mask is images × words × rows, where rows are
//   the boxes, filled up to 32 · words.
// Threads: one word each, neighbours those of neighbouring boxes, so that box j is one address for all of them. Only words
//   with a box behind i are written, as only those are read.
// Limits: 3 storage buffers, no workgroup memory, 32 steps and 25 more where an overlap is as good as the threshold.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup

struct Params {
    images: u32,
    first: u32, // image of the first mask
    count: u32, // boxes of an image
    words: u32, // of 32 boxes
    threshold: f32,
    infinity: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> boxes: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> classes: array<i32>;
@group(0) @binding(3) var<storage, read_write> mask: array<u32>;

// Products go through a minimum, so that no driver joins one with the sum behind it: the sum would be rounded otherwise.
fn product(a: f32, b: f32) -> f32 {
    return min(a * b, params.infinity);
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

fn normal(x: f32) -> bool {
    let exponent = bitcast<u32>(x) >> 23u;
    return exponent > 0u && exponent < 255u;
}

fn overlaps(a: vec4<f32>, b: vec4<f32>) -> bool {
    let sides = max(min(a.zw, b.zw) - max(a.xy, b.xy), vec2(0.0));
    let inter = product(sides.x, sides.y);
    let area = product(a.z - a.x, a.w - a.y);
    let together = area + product(b.z - b.x, b.w - b.y) - inter;
    var overlap = inter / together;
    // Near the threshold the last digit decides.
    let distance = i32(bitcast<u32>(overlap)) - i32(bitcast<u32>(params.threshold));
    if (abs(distance) <= 8 && normal(inter) && normal(together) && normal(params.threshold)) {
        overlap = rounded_quotient(inter, together);
    }
    // Minima and maxima may lose what is no number; an area is one as soon as a corner is.
    return overlap > params.threshold && together == together;
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let t = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    let rows = params.words * 32u;
    let i = t % rows;
    let word = t / rows % params.words;
    let image = t / rows / params.words;
    if (image >= params.images || i >= params.count || word < i / 32u) {
        return;
    }
    let base = (params.first + image) * params.count;
    let box = boxes[base + i];
    let class_of = classes[base + i];
    let begin = max(word * 32u, i + 1u);
    let end = min(word * 32u + 32u, params.count);
    var found = 0u;
    for (var j = begin; j < end; j++) {
        if (classes[base + j] == class_of && overlaps(box, boxes[base + j])) {
            found |= 1u << (j % 32u);
        }
    }
    mask[t] = found;
}

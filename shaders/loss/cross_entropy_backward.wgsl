// grad_x[s, c] = g_s · (p_c · T − target_c), where target_c = ε / C · w_c, plus (1 − ε) · w_t for the label t, T is the sum
// of the targets, and g_s is grad_y[s], or grad_y[0], for a mean divided by the sum of the weights that count.
// An ignored sample has no gradient; a label that is no class gives NaN.
//
// Layouts: logits and grad_x are outer × C × inner in memory, samples outer × inner; `lines` has each sample's pair
//   (m, Σ) of `log_sum_exp`, so that p_c = exp(x_c − m) / Σ.
// Threads: one part of a sample's classes each, the classes part, part + parts, …: to find a sample's start costs divisions,
//   which are done once for several classes.
// Limits: 8 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const LINES_FIRST: bool = false; // @const whether neighbouring threads take neighbouring lines: after > 1
const WEIGHTED: bool = false; // @const whether classes have weights
const SMOOTHED: bool = false; // @const whether ε is above 0
const IGNORES: bool = true; // @const whether a label is ignored
const MEAN: bool = false; // @const whether the losses were averaged
const EACH: bool = false; // @const whether each sample has its own grad_y

struct Params {
    lines: u32, // samples
    along: u32, // classes
    after: u32, // extent of inner
    parts: u32, // threads that share a sample
    ignored: i32,
    smoothing: f32,
    not_a_number: u32, // its bits: a constant NaN is no valid WGSL
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> lines: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read> labels: array<i32>;
@group(0) @binding(4) var<storage, read> weights: array<f32>; // not read unless WEIGHTED
@group(0) @binding(5) var<storage, read> weight_sum: array<f32>; // Σ_c w_c; not read unless WEIGHTED and SMOOTHED
@group(0) @binding(6) var<storage, read> sums: array<f32>; // of the losses and of the weights; not read unless MEAN
@group(0) @binding(7) var<storage, read> grad_y: array<f32>;
@group(0) @binding(8) var<storage, read_write> grad_x: array<u32>; // the bits of f32, so that NaN is plain data

fn weight(c: u32) -> f32 {
    if (WEIGHTED) {
        return weights[c];
    }
    return 1.0;
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let i = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    if (i >= params.lines * params.parts) {
        return;
    }
    var line: u32;
    var part: u32;
    if (LINES_FIRST) {
        line = i % params.lines;
        part = i / params.lines;
    } else {
        line = i / params.parts;
        part = i % params.parts;
    }
    let base = line / params.after * params.along * params.after + line % params.after;
    let label = labels[line];
    let ignored = IGNORES && label == params.ignored;
    if (ignored || label < 0 || u32(label) >= params.along) {
        let bits = select(params.not_a_number, 0u, ignored);
        for (var c = part; c < params.along; c += params.parts) {
            grad_x[base + c * params.after] = bits;
        }
        return;
    }
    let own = (1.0 - params.smoothing) * weight(u32(label));
    let spread = params.smoothing / f32(params.along);
    var targets = own;
    if (SMOOTHED && WEIGHTED) {
        targets += spread * weight_sum[0];
    } else if (SMOOTHED) {
        targets += params.smoothing;
    }
    var scale = grad_y[0];
    if (EACH) {
        scale = grad_y[line];
    }
    if (MEAN) {
        scale = scale / sums[1];
    }
    let pair = lines[line];
    for (var c = part; c < params.along; c += params.parts) {
        let at = base + c * params.after;
        var wanted = select(0.0, own, c == u32(label));
        if (SMOOTHED) {
            wanted += spread * weight(c);
        }
        let probability = exp(logits[at] - pair.x) / pair.y;
        grad_x[at] = bitcast<u32>(scale * (probability * targets - wanted));
    }
}

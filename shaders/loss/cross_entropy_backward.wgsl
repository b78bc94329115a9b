// grad_x[s, c] = g_s · (p_c · T − target_c), where target_c = ε / C · w_c, plus (1 − ε) · w_t for the label t, T is the sum
// of the targets, and g_s is grad_y[s], or grad_y[0], for a mean divided by the sum of the weights that count.
// An ignored sample has no gradient; a label that is no class gives NaN.
//
// Layouts: logits and grad_x are before × C × after in memory, samples before × after; `lines` has each sample's pair
//   (m, Σ) of `log_sum_exp`, so that p_c = exp(x_c − m) / Σ.
// Threads: one element of grad_x each, in the order of memory.
// Limits: 8 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const WEIGHTED: bool = false; // @const whether classes have weights
const SMOOTHED: bool = false; // @const whether ε is above 0
const IGNORES: bool = true; // @const whether a label is ignored
const MEAN: bool = false; // @const whether the losses were averaged
const EACH: bool = false; // @const whether each sample has its own grad_y

struct Params {
    count: u32,
    classes: u32,
    after: u32,
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
    if (i >= params.count) {
        return;
    }
    let c = i / params.after % params.classes;
    let sample = i / (params.classes * params.after) * params.after + i % params.after;
    let label = labels[sample];
    if (IGNORES && label == params.ignored) {
        grad_x[i] = 0u;
        return;
    }
    if (label < 0 || u32(label) >= params.classes) {
        grad_x[i] = params.not_a_number;
        return;
    }
    var targets = (1.0 - params.smoothing) * weight(u32(label));
    var wanted = select(0.0, targets, c == u32(label));
    if (SMOOTHED) {
        let spread = params.smoothing / f32(params.classes);
        wanted += spread * weight(c);
        if (WEIGHTED) {
            targets += spread * weight_sum[0];
        } else {
            targets += params.smoothing;
        }
    }
    let pair = lines[sample];
    let probability = exp(logits[i] - pair.x) / pair.y;
    var scale = grad_y[0];
    if (EACH) {
        scale = grad_y[sample];
    }
    if (MEAN) {
        scale = scale / sums[1];
    }
    grad_x[i] = bitcast<u32>(scale * (probability * targets - wanted));
}

// terms[s] = (1 − ε) · w_t · (−log p_t) + ε / C · Σ_c w_c · (−log p_c) for sample s with label t: its cross-entropy with
// label smoothing ε (Szegedy et al., arXiv 1512.00567). With MEAN, terms[samples + s] = w_t, the divisor's share.
// An ignored sample has 0 for both; a label that is no class gives NaN, and its logits are not read.
//
// Layouts: logits are outer × C × inner in memory, samples outer × inner; `lines` has each sample's pair (m, Σ) of
//   `log_sum_exp`, so that −log p_c = log Σ − (x_c − m).
// Threads: one sample each.
// Limits: 5 storage buffers, no workgroup memory; with smoothing C < 65,536, which is as far as some drivers loop.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const WEIGHTED: bool = false; // @const whether classes have weights
const SMOOTHED: bool = false; // @const whether ε is above 0
const IGNORES: bool = true; // @const whether a label is ignored
const MEAN: bool = false; // @const whether the divisor is wanted

struct Params {
    samples: u32,
    classes: u32,
    after: u32, // extent of inner
    ignored: i32,
    smoothing: f32,
    not_a_number: u32, // its bits: a constant NaN is no valid WGSL
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> lines: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read> labels: array<i32>;
@group(0) @binding(4) var<storage, read> weights: array<f32>; // not read unless WEIGHTED
@group(0) @binding(5) var<storage, read_write> terms: array<u32>; // the bits of f32, so that NaN is plain data

fn weight(c: u32) -> f32 {
    if (WEIGHTED) {
        return weights[c];
    }
    return 1.0;
}

// log(2ᵏ (1 + f)) for f from √½ - 1 to √2 - 1, by the polynomial of Cephes' logf (Moshier, 1984): a driver's log is wrong in
// all digits beside 1. ln 2 comes in two parts, of which the larger times k is exact.
fn log_of_parts(f: f32, k: f32) -> f32 {
    let s = f * f;
    let low = 1.1676998740e-1 + f * (-1.1514610310e-1 + f * 7.0376836292e-2);
    let middle = -1.6668057665e-1 + f * (1.4249322787e-1 + f * (-1.2420140846e-1 + f * low));
    let high = 3.3333331174e-1 + f * (-2.4999993993e-1 + f * (2.0000714765e-1 + f * middle));
    return (f + (f * s * high - k * 2.12194440e-4 - 0.5 * s)) + k * 0.693359375;
}

fn natural_log(x: f32) -> f32 {
    // Below the normal numbers the exponent says nothing.
    let small = x < 1.1754944e-38;
    let bits = bitcast<i32>(select(x, x * 8388608.0, small));
    // 1 + f is the number with the exponent that brings it next to 1: 0x3f3504f3 is √½.
    let exponent = (bits - 0x3f3504f3) >> 23u;
    let f = bitcast<f32>(bits - (exponent << 23u)) - 1.0;
    let y = log_of_parts(f, f32(exponent) - select(0.0, 23.0, small));
    // Not as constants, which WGSL refuses.
    var infinity = 0x7f800000u;
    var nan = 0x7fc00000u;
    let outside = select(select(x, bitcast<f32>(nan), x < 0.0), -bitcast<f32>(infinity), x == 0.0);
    return select(outside, y, (x > 0.0) & (bitcast<u32>(x) < infinity));
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let i = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    if (i >= params.samples) {
        return;
    }
    let label = labels[i];
    var loss = 0u;
    var share = 0.0;
    if (!IGNORES || label != params.ignored) {
        if (label < 0 || u32(label) >= params.classes) {
            loss = params.not_a_number;
        } else {
            let pair = lines[i];
            let log_sum = natural_log(pair.y);
            let base = i / params.after * params.classes * params.after + i % params.after;
            share = weight(u32(label));
            let own = log_sum - (logits[base + u32(label) * params.after] - pair.x);
            if (SMOOTHED) {
                var sum = 0.0;
                for (var c = 0u; c < params.classes; c++) {
                    sum += weight(c) * (log_sum - (logits[base + c * params.after] - pair.x));
                }
                let spread = params.smoothing / f32(params.classes) * sum;
                loss = bitcast<u32>((1.0 - params.smoothing) * share * own + spread);
            } else {
                loss = bitcast<u32>(share * own);
            }
        }
    }
    terms[i] = loss;
    if (MEAN) {
        terms[params.samples + i] = bitcast<u32>(share);
    }
}

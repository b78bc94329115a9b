// What a convolution of bytes needs of each output channel o, from its weights: three numbers,
//   bias[o] - x_zero * Σ w[o] + terms * x_zero * w_zero[o],   multiplier[o],   w_zero[o],
// so that Σ (x - x_zero) * (w - w_zero[o]) + bias[o] is Σ x * w - w_zero[o] * Σ x and the first of them. The kernels turn
// that sum s into a byte by steps(s) = clamp(round(s * multiplier[o]) + y_zero, low, high), half to even. With a residual r it is
// clamp(round(s * multiplier[o] + (r - r_zero) * r_multiplier) + y_zero, low, high), both terms rounded to 2^-16 before they are
// added, in integers: no device can then make one operation of a product and the sum.
//
// Layouts: the weight is O I KH KW in bytes. constants are vec4s: for each word of four output channels three, which hold the
//   first, the second and the third number of the four. A group has whole words; channels beyond its outputs are 0.
// Threads: one output channel each, of the padded ones.
// Limits: 5 storage buffers, no workgroup memory. Sums wrap beyond 32 bits.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const HAS_BIAS: bool = false; // @const add bias
const HAS_MULTIPLIER: bool = true; // @const there are multipliers
const HAS_ZERO: bool = false; // @const the weight has zero points

struct Params {
    count: u32, // padded output channels of all groups
    padded: u32, // of a group: a multiple of four
    outputs: u32, // of a group
    length: u32, // weights of an output channel
    terms: u32, // terms of a sum, with padded input channels
    x_zero: i32, // as a signed byte
    flip: u32, // 0x80 where weights are u8
    pad: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weight: array<u32>;
@group(0) @binding(2) var<storage, read> bias: array<i32>;
@group(0) @binding(3) var<storage, read> multiplier: array<u32>;
@group(0) @binding(4) var<storage, read> weight_zero: array<i32>;
@group(0) @binding(5) var<storage, read_write> constants: array<i32>;

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
    let channel = i % params.padded;
    var first = 0;
    var second = 0;
    var third = 0;
    if (channel < params.outputs) {
        let o = i / params.padded * params.outputs + channel;
        var sum = 0;
        for (var k = 0u; k < params.length; k++) {
            let at = o * params.length + k;
            let byte = (weight[at >> 2u] >> (8u * (at & 3u))) ^ params.flip;
            sum += bitcast<i32>(byte << 24u) >> 24u;
        }
        third = -bitcast<i32>(params.flip);
        if (HAS_ZERO) {
            third += weight_zero[o];
        }
        first = params.x_zero * (bitcast<i32>(params.terms) * third - sum);
        if (HAS_BIAS) {
            first += bias[o];
        }
        if (HAS_MULTIPLIER) {
            second = bitcast<i32>(multiplier[o]);
        }
    }
    let at = 12u * (i >> 2u) + (i & 3u);
    constants[at] = first;
    constants[at + 4u] = second;
    constants[at + 8u] = third;
}

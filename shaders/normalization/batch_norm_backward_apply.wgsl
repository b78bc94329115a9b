// grad_x = weight·inv_std·(g − (grad_bias + x̂·grad_weight) / n) with x̂ = (x − mean)·inv_std, n values in a channel and
// g = grad_y·f'(x̂·weight + bias), f' from the slot; where the statistics are constants (evaluation),
// grad_x = weight·inv_std·g. (Ioffe and Szegedy, arXiv 1502.03167, section 3.)
//
// Layouts: x, grad_y and grad_x with the channels fastest; channel is four planes [C] from batch_norm_backward_finish.
// Threads: COLUMNS vec4 columns of ROWS rows each, as in batch_norm_normalise.
//   Bind any buffer that is only read as a grad_y that is not read.
// Limits: 5 storage buffers, no workgroup memory.

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const ROWS: u32 = 8u; // @const rows of a thread
const LANES: u32 = 1u; // @const distance of a thread's columns: the threads of a subgroup
const COLUMNS: u32 = 1u; // @const columns of a thread; a row is a multiple of LANES · COLUMNS, or this is 1
const IN_PLACE: bool = false; // @const grad_y is what the result's memory holds
const TRAIN: bool = true; // @const whether mean and variance depend on x
const COMPACT: u32 = 0u; // @const 1: what channels have is loaded in a loop, for software Vulkan: a load is long there

struct Params {
    vectors: u32, // vec4s of x
    step: u32, // vec4s in a row
    channels: u32,
    p0: f32,
    p1: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> grad_y: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> channel: array<f32>;
@group(0) @binding(4) var<storage, read> mean: array<f32>;
@group(0) @binding(5) var<storage, read_write> grad_x: array<vec4<f32>>;

// @slot unary_derivative
fn unary_derivative(x: f32, p: vec2<f32>) -> f32 {
    return 1.0;
}
// @end

fn activation(x: vec4<f32>, p: vec2<f32>) -> vec4<f32> {
    return vec4(
        unary_derivative(x.x, p),
        unary_derivative(x.y, p),
        unary_derivative(x.z, p),
        unary_derivative(x.w, p),
    );
}

// n, as the bound of a loop that compilers shall leave a loop.
fn unknown(n: u32) -> u32 {
    return select(n, 0u, params.step == 0u);
}

// Lets a number in from the right, so that every index is a constant.
fn push(to: ptr<function, array<vec4<f32>, COLUMNS>>, x: f32) {
    // @unroll
    for (var k = 1u; k < COLUMNS; k++) {
        (*to)[k - 1u] = vec4((*to)[k - 1u].yzw, (*to)[k].x);
    }
    (*to)[COLUMNS - 1u] = vec4((*to)[COLUMNS - 1u].yzw, x);
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    // Read once: as far as a driver knows, a store may change it.
    let step = params.step;
    let across = step / COLUMNS;
    let i = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    let band = i / across;
    let o = i - band * across;
    let column = o / LANES * (LANES * COLUMNS) + o % LANES;
    var at = band * ROWS * step + column;
    let end = min(at - column + ROWS * step, params.vectors);
    if (at >= end) {
        return;
    }
    var centre: array<vec4<f32>, COLUMNS>;
    var scale: array<vec4<f32>, COLUMNS>;
    var shift: array<vec4<f32>, COLUMNS>;
    var offset: array<vec4<f32>, COLUMNS>;
    var slope: array<vec4<f32>, COLUMNS>;
    // @unroll unless COMPACT
    for (var n = 0u; n < unknown(4u * COLUMNS); n++) {
        // A row is whole pixels, and these may be narrower than a vec4.
        let c = (4u * (column + n / 4u * LANES) + n % 4u) % params.channels;
        push(&centre, mean[c]);
        push(&scale, channel[c]);
        push(&shift, channel[params.channels + c]);
        if (TRAIN) {
            push(&offset, channel[2u * params.channels + c]);
            push(&slope, channel[3u * params.channels + c]);
        }
    }
    let p = vec2(params.p0, params.p1);
    for (; at < end; at += step) {
        // @unroll
        for (var k = 0u; k < COLUMNS; k++) {
            // The last row may be cut short.
            if (k == 0u || at + k * LANES < end) {
                let v = x[at + k * LANES] - centre[k];
                var g: vec4<f32>;
                if IN_PLACE { g = grad_x[at + k * LANES]; } else { g = grad_y[at + k * LANES]; }
                g *= activation(v * scale[k] + shift[k], p);
                if (TRAIN) {
                    g -= offset[k] + v * slope[k];
                }
                grad_x[at + k * LANES] = g * scale[k];
            }
        }
    }
}

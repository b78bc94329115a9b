// x · scale = high + low / 2048 with both halves in f16: what matmul_cooperative_split_f16 multiplies. The scale is a power of
// two that brings the largest element to 2¹³ … 2¹⁴, so that neither half leaves the range of f16 (Ootomo and Yokota, Recovering
// single precision accuracy from Tensor Cores while surpassing the FP32 theoretical peak performance, arXiv 2203.03341).
//
// Layouts: element (r, k) of matrix b of x is at b · stride + r · row_step + k · k_step; halves is [batches, 2, rows_padded,
//   k_padded], high before low, with zeros in the padding; scales[slot] gets 1 / scale.
// Threads: 256 to a workgroup, which is a square of 32 rows by 32 k: read along memory, turned in workgroup memory where that
//   is along the rows, written along k.
// Workgroup memory: 5.1 KiB.
// Limits: 4 storage buffers, 256 threads; rows_padded and k_padded are multiples of 32.

enable f16;

struct Params {
    rows: u32,
    k: u32,
    rows_padded: u32,
    k_padded: u32,
    row_step: u32,
    k_step: u32,
    stride: u32,
    slot: u32, // of scales
    largest: u32, // entries of `largest`, at most 256
    workgroups: u32, // with work
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> largest: array<f32>;
@group(0) @binding(3) var<storage, read_write> halves: array<vec4<f16>>;
@group(0) @binding(4) var<storage, read_write> scales: array<f32>;

const PITCH: u32 = 33u;
var<workgroup> square: array<f32, 32u * PITCH>;
var<workgroup> found: array<f32, 256>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let id = group.x + grid.x * (group.y + grid.y * group.z);
    let squares_k = params.k_padded / 32u;
    let squares_m = params.rows_padded / 32u;
    let k0 = id % squares_k * 32u;
    let row0 = id / squares_k % squares_m * 32u;
    let batch = id / (squares_k * squares_m);
    let inside = id < params.workgroups;

    found[thread] = 0.0;
    if (thread < params.largest) {
        found[thread] = largest[thread];
    }
    for (var half = 128u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (thread < half) {
            found[thread] = max(found[thread], found[thread + half]);
        }
    }
    // The square is filled before the barrier that also makes the largest element known to all.
    for (var i = thread; i < 1024u; i += 256u) {
        let across = params.k_step == 1u;
        let row = select(i % 32u, i / 32u, across);
        let k = select(i / 32u, i % 32u, across);
        var v = 0.0;
        if (inside && row0 + row < params.rows && k0 + k < params.k) {
            v = x[batch * params.stride + (row0 + row) * params.row_step + (k0 + k) * params.k_step];
        }
        square[row * PITCH + k] = v;
    }
    workgroupBarrier();
    // Exponents as they stand in the bits: 127 + 13 less the largest element's, away from 0 and infinity at both ends.
    let exponent = (bitcast<u32>(found[0]) >> 23u) & 255u;
    let power = min(267u - exponent, 253u);
    let scale = bitcast<f32>(power << 23u);
    if (id == 0u && thread == 0u) {
        scales[params.slot] = bitcast<f32>((254u - power) << 23u);
    }
    if (!inside) {
        return;
    }
    let row = thread / 8u;
    let k = thread % 8u * 4u;
    let at = row * PITCH + k;
    let v = vec4(square[at], square[at + 1u], square[at + 2u], square[at + 3u]) * scale;
    // Rounded to 11 bits in integers: a driver may take an f32 made f16 and back for the same number. What f16 holds with
    // fewer bits is left to the low half.
    let bits = bitcast<vec4<u32>>(v);
    let rounded = (bits + 0xfffu + ((bits >> vec4(13u)) & vec4(1u))) & vec4(0xffffe000u);
    let high = select(bitcast<vec4<f32>>(rounded), vec4<f32>(), abs(v) < vec4(6.103515625e-5));
    let low = vec4<f16>((v - high) * 2048.0);
    let plane = params.rows_padded * params.k_padded / 4u;
    let to = (batch * 2u * params.rows_padded + row0 + row) * (params.k_padded / 4u) + (k0 + k) / 4u;
    halves[to] = vec4<f16>(high);
    halves[to + plane] = low;
}

// t[n, c, i, j] = (x[n, c, i, j] · deviation[c] + mean[c]) / scale: the output of a network as an image, what texture_to_tensor undoes.
//
// Layouts: image n goes to layer n of the texture, channel c to component c (with BGR channel 0 is blue). One channel is
//   grey, alpha is 1 where there is no fourth. x is dense in any layout, by its strides. A unorm format clamps to 0 … 1
//   and rounds.
// Threads: one pixel each, neighbours along a row; workgroups are folded over the grid's axes.
// Limits: 1 storage buffer, 1 storage texture, no workgroup memory.
enable f16;

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const CHANNELS: u32 = 3u; // @const channels of x, 1 to 4
const BGR: bool = false; // @const channels are blue, green, red
alias Operand = f32; // @const element type of x: f32 or f16
alias Image = texture_storage_2d_array<rgba8unorm, write>; // @const the texture with its format

struct Params {
    mean: vec4<f32>,
    deviation: vec4<f32>,
    scale: f32,
    count: u32, // pixels of x in all images
    height: u32,
    width: u32,
    image_stride: u32, // of x, in elements
    channel_stride: u32,
    pixel_stride: u32,
    padding: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Operand>;
@group(0) @binding(2) var image: Image;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let at = (group.x + grid.x * (group.y + grid.y * group.z)) * WORKGROUP + thread;
    if (at >= params.count) {
        return;
    }
    let pixels = params.height * params.width;
    let layer = at / pixels;
    let pixel = at - layer * pixels;
    let row = pixel / params.width;
    let column = pixel - row * params.width;
    let start = layer * params.image_stride + pixel * params.pixel_stride;
    var t = vec4(0.0, 0.0, 0.0, 1.0);
    // @unroll
    for (var c = 0u; c < CHANNELS; c++) {
        t[c] = (f32(x[start + c * params.channel_stride]) * params.deviation[c] + params.mean[c]) / params.scale;
    }
    if (CHANNELS == 1u) {
        t = vec4(t.rrr, 1.0);
    }
    if (BGR) {
        t = t.bgra;
    }
    textureStore(image, vec2<i32>(i32(column), i32(row)), i32(layer), t);
}

// y[n, c, i, j] = (scale · t[n, c, i, j] − mean[c]) / deviation[c]: the texels of an image as the input of a network.
//
// Layouts: layer n of the texture is image n, its component c is channel c (with BGR blue is channel 0); components beyond
//   CHANNELS are dropped. y is dense in any layout, by its strides.
// RESIZE: t is drawn bilinearly from a texture of another extent, pixels being areas and edges held, without antialiasing.
// ENCODE: texels of an sRGB format load as linear light, which drivers compute to about 8 bits; colours (not alpha) get
//   the stored bytes back, as b / 255.
// Threads: one pixel each, neighbours along a row; workgroups are folded over the grid's axes.
// Limits: 1 storage buffer, 1 texture, no workgroup memory.
// Source: IEC 61966-2-1 (the transfer function of sRGB).
enable f16;

const WORKGROUP: u32 = 64u; // @const threads in a workgroup
const CHANNELS: u32 = 3u; // @const channels of y, 1 to 4
const BGR: bool = false; // @const channels are blue, green, red
const ENCODE: bool = false; // @const undo the decoding of an sRGB format
const RESIZE: bool = false; // @const the texture has another extent than y
alias Output = f32; // @const element type of y: f32 or f16

struct Params {
    mean: vec4<f32>,
    deviation: vec4<f32>,
    scale: f32,
    count: u32, // pixels of y in all images
    height: u32, // of y
    width: u32,
    image_stride: u32, // of y, in elements
    channel_stride: u32,
    pixel_stride: u32,
    padding: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var image: texture_2d_array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<Output>;

fn texel(place: vec2<u32>, layer: u32) -> vec4<f32> {
    let loaded = textureLoad(image, vec2<i32>(place), i32(layer), 0);
    if (!ENCODE) {
        return loaded;
    }
    let light = loaded.rgb;
    let curve = 1.055 * pow(max(light, vec3(0.0031308)), vec3(1.0 / 2.4)) - 0.055;
    let stored = select(curve, 12.92 * light, light <= vec3(0.0031308));
    return vec4(round(stored * 255.0) / 255.0, loaded.a);
}

fn bilinear(row: u32, column: u32, layer: u32) -> vec4<f32> {
    let extent = textureDimensions(image);
    let ratio = vec2<f32>(extent) / vec2(f32(params.width), f32(params.height));
    let place = max((vec2(f32(column), f32(row)) + 0.5) * ratio - 0.5, vec2(0.0));
    let first = min(vec2<u32>(place), extent - 1u);
    let second = min(first + 1u, extent - 1u);
    let part = place - vec2<f32>(first);
    let upper = mix(texel(first, layer), texel(vec2(second.x, first.y), layer), part.x);
    let lower = mix(texel(vec2(first.x, second.y), layer), texel(second, layer), part.x);
    return mix(upper, lower, part.y);
}

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
    var t: vec4<f32>;
    if (RESIZE) {
        t = bilinear(row, column, layer);
    } else {
        t = texel(vec2(column, row), layer);
    }
    if (BGR) {
        t = t.bgra;
    }
    t = (params.scale * t - params.mean) / params.deviation;
    let start = layer * params.image_stride + pixel * params.pixel_stride;
    // @unroll
    for (var c = 0u; c < CHANNELS; c++) {
        y[start + c * params.channel_stride] = Output(t[c]);
    }
}

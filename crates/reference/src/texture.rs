//! Texels of images as tensors, and back.
//!
//! A texel is `[red, green, blue, alpha]` as a shader loads it; images lie one behind the other, row by row.

use tilewright_ops::texture::{ChannelOrder, TextureInput, TextureOutput};

/// The tensor of `shape` from texels of images of `extent` (height, width). `decoded` says that texels are linear light of an
/// sRGB format, whose stored values are wanted.
#[must_use]
pub fn texture_to_tensor(
    op: &TextureInput,
    texels: &[[f32; 4]],
    extent: [usize; 2],
    decoded: bool,
    shape: [usize; 4],
) -> Vec<f32> {
    let [images, channels, height, width] = shape;
    let at = |image: usize, row: usize, column: usize, component: usize| -> f64 {
        let value = f64::from(texels[(image * extent[0] + row) * extent[1] + column][component]);
        if decoded && component < 3 { encode(value) } else { value }
    };
    let mut y = Vec::with_capacity(shape.iter().product());
    for image in 0..images {
        for channel in 0..channels {
            let component = component(op.order, channel);
            for row in 0..height {
                for column in 0..width {
                    let t = if op.resize {
                        let [r0, r1, v] = between(row, height, extent[0]);
                        let [c0, c1, u] = between(column, width, extent[1]);
                        let line = |r: f64| {
                            at(image, r as usize, c0 as usize, component) * (1.0 - u)
                                + at(image, r as usize, c1 as usize, component) * u
                        };
                        line(r0) * (1.0 - v) + line(r1) * v
                    } else {
                        at(image, row, column, component)
                    };
                    let [scale, mean, std] = [op.scale, op.mean[channel], op.std[channel]].map(f64::from);
                    y.push(((scale * t - mean) / std) as f32);
                }
            }
        }
    }
    y
}

/// The texels of a tensor's images, before the texture's format rounds them.
#[must_use]
pub fn tensor_to_texture(op: &TextureOutput, x: &[f32], shape: [usize; 4]) -> Vec<[f32; 4]> {
    let [images, channels, height, width] = shape;
    let pixels = height * width;
    let mut texels = Vec::with_capacity(images * pixels);
    for image in 0..images {
        for pixel in 0..pixels {
            let value = |channel: usize| {
                let x = f64::from(x[(image * channels + channel) * pixels + pixel]);
                let [scale, mean, std] = [op.scale, op.mean[channel], op.std[channel]].map(f64::from);
                ((x * std + mean) / scale) as f32
            };
            let mut texel = [0.0, 0.0, 0.0, 1.0];
            if channels == 1 {
                texel[..3].fill(value(0));
            } else {
                for channel in 0..channels {
                    texel[component(op.order, channel)] = value(channel);
                }
            }
            texels.push(texel);
        }
    }
    texels
}

/// The component of a texel that is this channel.
fn component(order: ChannelOrder, channel: usize) -> usize {
    match (order, channel) {
        (ChannelOrder::Bgr, 0) => 2,
        (ChannelOrder::Bgr, 2) => 0,
        _ => channel,
    }
}

/// The two indices along an axis of `extent` around index `at` of one of `size`, and the weight of the second.
fn between(at: usize, size: usize, extent: usize) -> [f64; 3] {
    let place = ((at as f64 + 0.5) * extent as f64 / size as f64 - 0.5).max(0.0);
    let last = (extent - 1) as f64;
    let first = place.floor().min(last);
    [first, (first + 1.0).min(last), place - first]
}

/// The byte, as b / 255, that sRGB stores for linear light (IEC 61966-2-1).
fn encode(light: f64) -> f64 {
    let stored = if light <= 0.003_130_8 { 12.92 * light } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 };
    (stored * 255.0).round() / 255.0
}

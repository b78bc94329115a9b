//! The images that both kernels walk over, and their uniform.

use tilewright_runtime::Result;

use crate::base::{
    numbers::to_u32,
    params::{ParamsLayout, params},
};

params! {
    Params for "texture_to_tensor", "tensor_to_texture" {
        mean: [f32; 4],
        deviation: [f32; 4],
        scale: f32,
        count: u32,
        height: u32,
        width: u32,
        image_stride: u32,
        channel_stride: u32,
        pixel_stride: u32,
        padding: u32,
    }
}

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT];

/// A tensor of images: N C H W, and its distances in elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Images {
    /// N C H W.
    pub shape: [usize; 4],
    /// Whether the channels of a pixel lie together.
    pub channels_last: bool,
    /// Whether elements are f16; else f32.
    pub f16: bool,
}

impl Images {
    pub(super) fn params(&self, op: &str, scale: f32, mean: [f32; 4], std: [f32; 4]) -> Result<Params> {
        let [images, channels, height, width] = self.shape;
        let pixels = height * width;
        // Every stride is at most this.
        to_u32(op, images * channels * pixels)?;
        let (channel, pixel) = if self.channels_last { (1, channels) } else { (pixels, 1) };
        Ok(Params {
            mean,
            deviation: std,
            scale,
            count: to_u32(op, images * pixels)?,
            height: to_u32(op, height)?,
            width: to_u32(op, width)?,
            image_stride: to_u32(op, channels * pixels)?,
            channel_stride: to_u32(op, channel)?,
            pixel_stride: to_u32(op, pixel)?,
            padding: 0,
        })
    }

    pub(super) fn element(&self) -> &'static str {
        if self.f16 { "f16" } else { "f32" }
    }
}

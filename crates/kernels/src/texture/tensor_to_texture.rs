//! `tensor_to_texture`.

use tilewright_ops::texture::{ChannelOrder, TextureOutput};
use tilewright_runtime::{Buffer, Context, Dispatch, Error, Result, Texture};
use tilewright_shaders::Specialisation;
use wgpu::TextureFormat;

use super::images::Images;
use crate::base::numbers::{WORKGROUP, to_u32, workgroups};

/// The images of `x` to `texture`, as `op` says; the caller has asked [`TextureOutput::check`].
///
/// # Errors
/// [`Error::Texture`] for a format that kernels cannot write on this device.
pub fn tensor_to_texture(
    context: &Context,
    op: &TextureOutput,
    x: &Buffer,
    texture: &Texture,
    images: &Images,
) -> Result<()> {
    let name = "to_texture";
    let kernel = Specialisation::new("tensor_to_texture")
        .with_u32("WORKGROUP", WORKGROUP)
        .with_u32("CHANNELS", to_u32(name, images.shape[1])?)
        .with_bool("BGR", op.order == ChannelOrder::Bgr)
        .with_type("Operand", images.element())
        .with_type("Image", image_type(context, texture.raw().format())?);
    let params = images.params(name, op.scale, op.mean, op.std)?;
    let groups = workgroups(params.count);
    let dispatch = Dispatch { op: name, params: bytemuck::bytes_of(&params), buffers: &[x], groups };
    context.dispatch_with_textures(&kernel, &dispatch, &[texture])
}

/// The texture's type in WGSL, of which its format is a part.
fn image_type(context: &Context, format: TextureFormat) -> Result<&'static str> {
    let bgra = context.features().contains(wgpu::Features::BGRA8UNORM_STORAGE);
    let hint = match format {
        TextureFormat::Rgba8Unorm => return Ok("texture_storage_2d_array<rgba8unorm, write>"),
        TextureFormat::Bgra8Unorm if bgra => return Ok("texture_storage_2d_array<bgra8unorm, write>"),
        TextureFormat::Rgba16Float => return Ok("texture_storage_2d_array<rgba16float, write>"),
        TextureFormat::Rgba32Float => return Ok("texture_storage_2d_array<rgba32float, write>"),
        TextureFormat::R32Float => return Ok("texture_storage_2d_array<r32float, write>"),
        TextureFormat::Bgra8Unorm => "it takes the device feature BGRA8UNORM_STORAGE, or Rgba8Unorm",
        _ if format.is_srgb() => {
            "no shader writes sRGB formats; make the texture as Rgba8Unorm with Rgba8UnormSrgb in its view_formats"
        }
        _ => "use Rgba8Unorm, Rgba16Float, Rgba32Float or R32Float",
    };
    Err(Error::Texture { reason: format!("its format {format:?} cannot be written by a kernel: {hint}") })
}

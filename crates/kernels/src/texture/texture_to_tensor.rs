//! `texture_to_tensor`.

use tilewright_ops::texture::{ChannelOrder, TextureInput, Transfer};
use tilewright_runtime::{Buffer, Context, Dispatch, Result, Texture};
use tilewright_shaders::Specialisation;

use super::images::Images;
use crate::base::numbers::{WORKGROUP, to_u32, workgroups};

/// The images of `texture` to `y`, as `op` says; the caller has asked [`TextureInput::check`].
pub fn texture_to_tensor(
    context: &Context,
    op: &TextureInput,
    texture: &Texture,
    y: &Buffer,
    images: &Images,
) -> Result<()> {
    let name = "from_texture";
    let [_, channels, height, width] = images.shape;
    let [_, texture_height, texture_width] = texture.extent();
    let kernel = Specialisation::new("texture_to_tensor")
        .with_u32("WORKGROUP", WORKGROUP)
        .with_u32("CHANNELS", to_u32(name, channels)?)
        .with_bool("BGR", op.order == ChannelOrder::Bgr)
        .with_bool("ENCODE", op.transfer == Transfer::Stored && texture.is_srgb())
        .with_bool("RESIZE", [texture_height, texture_width] != [height, width])
        .with_type("Output", images.element());
    let params = images.params(name, op.scale, op.mean, op.std)?;
    let groups = workgroups(params.count);
    let dispatch = Dispatch { op: name, params: bytemuck::bytes_of(&params), buffers: &[y], groups };
    context.dispatch_with_textures(&kernel, &dispatch, &[texture])
}

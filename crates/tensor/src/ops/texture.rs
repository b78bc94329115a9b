//! Textures of a graphics application as tensors, and back.

use tilewright_kernels::texture::{self, Images};
use tilewright_ops::{
    DType,
    texture::{TextureInput, TextureOutput},
};
use tilewright_runtime::{Context, Texture};

use crate::{error::Error, error::Result, layout::Layout, tensor::Tensor};

impl Tensor {
    /// The images of a texture as N C H W, f32 and channels-last: N is its layers, and H and W are its own unless
    /// `op.resize` is set.
    ///
    /// # Errors
    /// Those of [`TextureInput::check`]; [`tilewright_runtime::Error::Texture`] for a usage, format or device that does
    /// not fit.
    pub fn from_texture(
        context: &Context,
        texture: &Texture,
        shape: [usize; 4],
        op: &TextureInput,
    ) -> Result<Self> {
        op.check(texture.extent(), texture.components(), shape)?;
        let y = Self::empty(context, &shape, DType::F32, Layout::ChannelsLast)?;
        y.fill_from_texture(texture, op)?;
        Ok(y)
    }

    /// Overwrites this tensor's memory, f32 or f16, with the images of a texture: for who owns it, such as a plan.
    ///
    /// # Errors
    /// As [`Self::from_texture`].
    pub fn fill_from_texture(&self, texture: &Texture, op: &TextureInput) -> Result<()> {
        let name = "from_texture";
        self.refuse_symbolic(name)?;
        let images = self.images(name, "y")?;
        op.check(texture.extent(), texture.components(), images.shape)?;
        Ok(texture::texture_to_tensor(self.context(), op, texture, self.buffer(), &images)?)
    }

    /// Writes N C H W, f32 or f16, to the layers of a texture.
    ///
    /// # Errors
    /// Those of [`TextureOutput::check`]; [`tilewright_runtime::Error::Texture`] for a usage, format or device that does
    /// not fit.
    pub fn to_texture(&self, texture: &Texture, op: &TextureOutput) -> Result<()> {
        let name = "to_texture";
        self.refuse_symbolic(name)?;
        let images = self.images(name, "x")?;
        op.check(texture.extent(), texture.components(), images.shape)?;
        Ok(texture::tensor_to_texture(self.context(), op, self.buffer(), texture, &images)?)
    }

    fn images(&self, op: &'static str, operand: &'static str) -> Result<Images> {
        let shape = self.shape4(op, operand)?;
        let f16 = match self.dtype() {
            DType::F32 => false,
            DType::F16 => true,
            found => return Err(Error::DType { op, operand, found, expected: "f32 or f16" }),
        };
        Ok(Images { shape, channels_last: self.layout() == Layout::ChannelsLast, f16 })
    }
}

//! Between textures of a graphics application and tensors.

mod images;
mod tensor_to_texture;
mod texture_to_tensor;

pub use images::Images;
pub use tensor_to_texture::tensor_to_texture;
pub use texture_to_tensor::texture_to_tensor;

pub(crate) fn params() -> Vec<crate::base::params::ParamsLayout> {
    images::LAYOUTS.to_vec()
}

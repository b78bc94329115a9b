//! Blocks of channels as blocks of pixels, and back.

use tilewright_tensor::composite::{DepthOrder, depth_to_space};

use crate::error::Error;
use crate::var::Var;

impl Var {
    /// N C·b² H W to N C H·b W·b; see [`tilewright_tensor::Tensor::depth_to_space`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::depth_to_space`].
    pub fn depth_to_space(&self, block: usize, order: DepthOrder) -> Result<Self, Error> {
        depth_to_space::depth_to_space(self, block, order)
    }

    /// N C H·b W·b to N b²·C H W; see [`tilewright_tensor::Tensor::space_to_depth`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::space_to_depth`].
    pub fn space_to_depth(&self, block: usize) -> Result<Self, Error> {
        depth_to_space::space_to_depth(self, block)
    }
}

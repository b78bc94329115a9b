//! Channels as pixels and back under PyTorch's names, and channels among each other.

use super::depth_to_space::{DepthOrder, depth_to_space, pixel_unshuffle};
use super::operand::{Operand, parameter, rank};
use crate::error::Error;
use crate::tensor::Tensor;

/// N C·b² H W to N C H·b W·b.
pub fn pixel_shuffle<V: Operand>(x: &V, block: usize) -> Result<V, V::Error> {
    depth_to_space(x, block, DepthOrder::Crd)
}

/// The channels of N C … in `groups`, of which the result takes the first of each, then the second of each, and so on
/// (Zhang et al., arXiv 1707.01083).
pub fn channel_shuffle<V: Operand>(x: &V, groups: usize) -> Result<V, V::Error> {
    let op = "channel_shuffle";
    let [n, c, rest @ ..] = x.shape() else {
        return Err(rank::<V>(op, "x", x.shape(), "two or more (N C …)"));
    };
    if groups == 0 || c % groups != 0 {
        return Err(parameter::<V>(op, "groups", format!("{groups} of {c} channels"), "it must divide them"));
    }
    let rest: usize = rest.iter().product();
    let split = x.with_shape(&[*n, groups, c / groups, rest])?;
    split.permute(&[0, 2, 1, 3])?.with_shape(x.shape())
}

impl Tensor {
    /// N C·b² H W to N C H·b W·b: `torch.nn.functional.pixel_shuffle`.
    ///
    /// # Errors
    /// Those of [`Tensor::depth_to_space`].
    pub fn pixel_shuffle(&self, block: usize) -> Result<Self, Error> {
        pixel_shuffle(self, block)
    }

    /// N C H·b W·b to N C·b² H W: `torch.nn.functional.pixel_unshuffle`, the inverse of [`Tensor::pixel_shuffle`].
    ///
    /// # Errors
    /// Those of [`Tensor::space_to_depth`].
    pub fn pixel_unshuffle(&self, block: usize) -> Result<Self, Error> {
        pixel_unshuffle(self, block)
    }

    /// The channels of N C … in `groups` groups, the first of each group before the second of each:
    /// `torch.nn.functional.channel_shuffle`.
    ///
    /// # Errors
    /// [`tilewright_ops::ShapeError::Rank`], [`tilewright_ops::ShapeError::Parameter`] for groups that do not divide the
    /// channels.
    pub fn channel_shuffle(&self, groups: usize) -> Result<Self, Error> {
        channel_shuffle(self, groups)
    }
}

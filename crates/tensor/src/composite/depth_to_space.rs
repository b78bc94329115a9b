//! Blocks of channels as blocks of pixels, and back (Shi et al., arXiv 1609.05158).

use tilewright_ops::ShapeError;

use super::operand::{Operand, fails};
use crate::error::Error;
use crate::tensor::Tensor;

const TO_SPACE: &str = "depth_to_space";
const TO_DEPTH: &str = "space_to_depth";

/// Whether the channels of a block of pixels lie beside each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DepthOrder {
    /// Depth, column, row: a channel's pixels are a whole depth apart. ONNX's default.
    Dcr,
    /// Column, row, depth: a channel's pixels lie beside each other, as in `torch.nn.functional.pixel_shuffle`.
    Crd,
}

/// A reshape to `split`, the axes in `order`, and a reshape to `shape`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocks {
    /// The operand with its blocks as axes.
    pub split: [usize; 6],
    /// The axes of the result.
    pub order: [usize; 6],
    /// The result's shape.
    pub shape: [usize; 4],
}

/// How `shape` becomes blocks of pixels.
///
/// # Errors
/// [`ShapeError::Rank`] without four axes, [`ShapeError::Parameter`] for a block whose square does not divide the channels.
pub fn to_space(shape: &[usize], block: usize, order: DepthOrder) -> Result<Blocks, ShapeError> {
    let op = TO_SPACE;
    let [n, c, h, w] = four(op, shape)?;
    let square = block.checked_mul(block).filter(|&square| square > 0 && c.is_multiple_of(square));
    let wrong = || no_block(op, block, "its square must divide the channels");
    let depth = c / square.ok_or_else(wrong)?;
    let extent = |extent: usize| {
        extent.checked_mul(block).ok_or_else(|| ShapeError::TooManyElements { op, shape: shape.to_vec() })
    };
    let (split, axes) = match order {
        DepthOrder::Dcr => ([n, block, block, depth, h, w], [0, 3, 4, 1, 5, 2]),
        DepthOrder::Crd => ([n, depth, block, block, h, w], [0, 1, 4, 2, 5, 3]),
    };
    Ok(Blocks { split, order: axes, shape: [n, depth, extent(h)?, extent(w)?] })
}

/// How the blocks of pixels of `shape` become channels: the inverse of [`to_space`].
///
/// # Errors
/// [`ShapeError::Rank`] without four axes, [`ShapeError::Parameter`] for a block that does not divide height and width.
pub fn to_depth(shape: &[usize], block: usize, order: DepthOrder) -> Result<Blocks, ShapeError> {
    let op = TO_DEPTH;
    let [n, c, h, w] = four(op, shape)?;
    let fits = block > 0 && h.is_multiple_of(block) && w.is_multiple_of(block);
    let depth = block.checked_mul(block).and_then(|square| c.checked_mul(square)).filter(|_| fits);
    let depth = depth.ok_or_else(|| no_block(op, block, "it must divide height and width"))?;
    let (h, w) = (h / block, w / block);
    let order = match order {
        DepthOrder::Dcr => [0, 3, 5, 1, 2, 4],
        DepthOrder::Crd => [0, 1, 3, 5, 2, 4],
    };
    Ok(Blocks { split: [n, c, h, block, w, block], order, shape: [n, depth, h, w] })
}

fn four(op: &'static str, shape: &[usize]) -> Result<[usize; 4], ShapeError> {
    let expected = "four (N C H W)";
    shape.try_into().map_err(|_| ShapeError::Rank { op, operand: "x", shape: shape.to_vec(), expected })
}

fn no_block(op: &'static str, block: usize, hint: &'static str) -> ShapeError {
    ShapeError::Parameter { op, parameter: "block", value: block.to_string(), hint }
}

/// N C·b² H W to N C H·b W·b.
pub fn depth_to_space<V: Operand>(x: &V, block: usize, order: DepthOrder) -> Result<V, V::Error> {
    moved(x, &to_space(x.shape(), block, order).map_err(fails::<V>)?)
}

/// N C H·b W·b to N b²·C H W, a block's first pixel in the first C channels.
pub fn space_to_depth<V: Operand>(x: &V, block: usize) -> Result<V, V::Error> {
    moved(x, &to_depth(x.shape(), block, DepthOrder::Dcr).map_err(fails::<V>)?)
}

/// N C H·b W·b to N C·b² H W, a block's pixels beside each other.
pub fn pixel_unshuffle<V: Operand>(x: &V, block: usize) -> Result<V, V::Error> {
    moved(x, &to_depth(x.shape(), block, DepthOrder::Crd).map_err(fails::<V>)?)
}

fn moved<V: Operand>(x: &V, blocks: &Blocks) -> Result<V, V::Error> {
    x.with_shape(&blocks.split)?.permute(&blocks.order)?.with_shape(&blocks.shape)
}

impl Tensor {
    /// N C·b² H W to N C H·b W·b: channels become blocks of b × b pixels. PyTorch's `pixel_shuffle` with
    /// [`DepthOrder::Crd`].
    ///
    /// # Errors
    /// [`tilewright_ops::ShapeError::Rank`] without four axes, [`tilewright_ops::ShapeError::Parameter`] for a block whose
    /// square does not divide the channels.
    pub fn depth_to_space(&self, block: usize, order: DepthOrder) -> Result<Self, Error> {
        depth_to_space(self, block, order)
    }

    /// N C H·b W·b to N b²·C H W, a block's first pixel in the first C channels: the inverse of
    /// [`Tensor::depth_to_space`] with [`DepthOrder::Dcr`].
    ///
    /// # Errors
    /// [`tilewright_ops::ShapeError::Rank`] without four axes, [`tilewright_ops::ShapeError::Parameter`] for a block that
    /// does not divide height and width.
    pub fn space_to_depth(&self, block: usize) -> Result<Self, Error> {
        space_to_depth(self, block)
    }
}

//! The one vocabulary of operations.
//!
//! Every operation of the engine is named here once, with its parameters, its shape rule and, where it matters, its
//! FLOP and byte count. Eager execution runs it, autograd differentiates it, the graph fuses it, and the scalar reference
//! defines what it means; none of them repeats a shape rule.
//!
//! Shapes are PyTorch's logical shapes: activations N C H W, convolution weights O I H W. How a tensor lies in memory is
//! not this crate's business. A shape rule never panics: what does not fit is a [`ShapeError`] that names the operation,
//! the shapes and what to do.
//!
//! ```
//! use tilewright_ops::Conv2d;
//!
//! let conv = Conv2d { stride: [2, 2], padding: [1, 1], ..Conv2d::default() };
//! assert_eq!(conv.output_shape([8, 16, 32, 32], [32, 16, 3, 3])?, [8, 32, 16, 16]);
//! # Ok::<(), tilewright_ops::ShapeError>(())
//! ```

mod binary;
pub mod conv_transpose;
pub mod convolution;
pub mod dtype;
pub mod elementwise;
pub mod error;
pub mod loss;
pub mod matmul;
pub mod movement;
pub mod normalization;
pub mod op;
pub mod optimizer;
pub mod pooling;
pub mod quantization;
pub mod random;
pub mod reduction;
pub mod resample;
pub mod softmax;
pub mod sort;
pub mod support;
pub mod texture;

pub use conv_transpose::ConvTranspose2d;
pub use convolution::Conv2d;
pub use dtype::DType;
pub use elementwise::{BinaryOp, UnaryOp, broadcast_shapes};
pub use error::{DTypeError, ShapeError};
pub use loss::{CrossEntropy, Reduction};
pub use matmul::{MatMul, MatMulDims};
pub use movement::{
    SliceRange, concat_shape, pad_shape, permute_shape, reshape_shape, slice_shape, split_shapes,
};
pub use normalization::BatchNorm;
pub use op::{Facts, Gradient, Kind, Op};
pub use optimizer::{AdamW, Sgd};
pub use pooling::{AdaptiveAvgPool2d, Pool2d, PoolKind, Pooling};
pub use quantization::Quantization;
pub use random::Dropout;
pub use reduction::{ReduceOp, argmax_shape};
pub use resample::{Coordinates, Interpolation, Resize2d, Rounding, TapTable, gather_shape, resample_shape};
pub use softmax::{LogSoftmax, Softmax};
pub use sort::TopK;
pub use texture::{ChannelOrder, TextureInput, TextureOutput, Transfer};

/// The number of elements of a shape (1 for a scalar, whose shape is empty), or an error where the strides do not fit an
/// `isize`; an extent of zero does not excuse the others, as in PyTorch.
///
/// # Errors
/// [`ShapeError::TooManyElements`].
pub fn element_count(op: &'static str, shape: &[usize]) -> Result<usize, ShapeError> {
    let most = shape
        .iter()
        .try_fold(1_usize, |count, &extent| count.checked_mul(extent.max(1)))
        .filter(|&count| isize::try_from(count).is_ok())
        .ok_or_else(|| ShapeError::TooManyElements { op, shape: shape.to_vec() })?;
    Ok(if shape.contains(&0) { 0 } else { most })
}

/// Counts an axis from the back where it is negative, as Python does: -1 is the last axis.
///
/// # Errors
/// [`ShapeError::Axis`] where the axis is outside `-rank..rank`.
pub fn normalize_axis(op: &'static str, axis: isize, shape: &[usize]) -> Result<usize, ShapeError> {
    let rank = shape.len() as isize;
    let counted = if axis < 0 { axis.saturating_add(rank) } else { axis };
    if (0..rank).contains(&counted) {
        Ok(counted as usize)
    } else {
        Err(ShapeError::Axis { op, axis, shape: shape.to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_elements() {
        assert_eq!(element_count("test", &[]), Ok(1));
        assert_eq!(element_count("test", &[2, 3, 4]), Ok(24));
        assert_eq!(element_count("test", &[1 << 40, 0, 3]), Ok(0));
        for shape in [&[usize::MAX][..], &[usize::MAX, 2], &[usize::MAX, 2, 0], &[0, 3, 1 << 40, 1 << 40]] {
            assert!(
                matches!(element_count("test", shape), Err(ShapeError::TooManyElements { .. })),
                "{shape:?}"
            );
        }
    }

    #[test]
    fn negative_axes_count_from_the_back() {
        assert_eq!(normalize_axis("test", -1, &[2, 3]), Ok(1));
        assert_eq!(normalize_axis("test", 0, &[2, 3]), Ok(0));
        assert!(matches!(normalize_axis("test", 2, &[2, 3]), Err(ShapeError::Axis { axis: 2, .. })));
        assert!(matches!(normalize_axis("test", -3, &[2, 3]), Err(ShapeError::Axis { axis: -3, .. })));
        assert!(normalize_axis("test", isize::MIN, &[2, 3]).is_err());
    }
}

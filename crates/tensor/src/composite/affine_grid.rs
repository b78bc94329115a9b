//! Places of an affine map.

use super::operand::{Operand, operand, parameter, rank};
use crate::error::Error;
use crate::tensor::Tensor;

const OP: &str = "affine_grid";

/// The most numbers of a grid's base, which the host makes.
pub const MOST_NUMBERS: usize = 1 << 24;

/// For each element of images of the spatial extents `size` the place that the map of its image, `theta`, gives it.
pub fn affine_grid<V: Operand>(theta: &V, size: &[usize], align_corners: bool) -> Result<V, V::Error> {
    let axes = size.len();
    if !matches!(axes, 2 | 3) {
        let hint = "two or three spatial extents are needed";
        return Err(parameter::<V>(OP, "size", format!("{size:?}"), hint));
    }
    let &[batch, _, _] = theta.shape() else {
        return Err(rank::<V>(OP, "theta", theta.shape(), "three (N, axes, axes + 1)"));
    };
    if theta.shape() != [batch, axes, axes + 1] {
        return Err(operand::<V>(OP, "theta", theta.shape(), &[batch, axes, axes + 1]));
    }
    let points = size.iter().fold(1_usize, |points, &extent| points.saturating_mul(extent));
    if points.saturating_mul(axes + 1) > MOST_NUMBERS {
        let hint = "a grid may have 16,777,216 numbers with its ones";
        return Err(parameter::<V>(OP, "size", format!("{size:?}"), hint));
    }
    // Rows x, y(, z), 1, the last spatial axis first.
    let mut base = Vec::with_capacity(points * (axes + 1));
    for point in 0..points {
        let mut rest = point;
        for &extent in size.iter().rev() {
            let (place, extent_f) = ((rest % extent) as f32, extent as f32);
            rest /= extent;
            base.push(if !align_corners {
                (2.0 * place + 1.0) / extent_f - 1.0
            } else if extent > 1 {
                2.0 * place / (extent_f - 1.0) - 1.0
            } else {
                0.0
            });
        }
        base.push(1.0);
    }
    let base = theta.values(&base, &[1, points, axes + 1])?;
    let grid = base.matmul(&theta.permute(&[0, 2, 1])?)?;
    grid.with_shape(&[&[batch], size, &[axes]].concat())
}

impl Tensor {
    /// The grid N … axes for [`Tensor::grid_sample`] by the affine maps `self` of shape N, axes, axes + 1, over images of the
    /// spatial extents `size`: `torch.nn.functional.affine_grid` (Jaderberg et al., arXiv 1506.02025), over two or three
    /// axes.
    ///
    /// # Errors
    /// [`tilewright_ops::ShapeError::Rank`], [`tilewright_ops::ShapeError::Operand`] for maps of another shape,
    /// [`tilewright_ops::ShapeError::Parameter`] for another number of extents or a grid of more than [`MOST_NUMBERS`].
    pub fn affine_grid(&self, size: &[usize], align_corners: bool) -> Result<Self, Error> {
        affine_grid(self, size, align_corners)
    }
}

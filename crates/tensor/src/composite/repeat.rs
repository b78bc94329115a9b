//! Whole copies side by side.

use super::operand::{Operand, fails, parameter};
use crate::error::Error;
use crate::tensor::Tensor;

const OP: &str = "repeat";

/// `repeats[axis]` copies of the operand along each axis.
pub fn repeat<V: Operand>(x: &V, repeats: &[usize]) -> Result<V, V::Error> {
    if repeats.len() != x.shape().len() {
        let hint = "there must be one for each axis";
        return Err(parameter::<V>(OP, "repeats", format!("{repeats:?}"), hint));
    }
    let mut y = x.clone();
    for (axis, &count) in repeats.iter().enumerate().filter(|&(_, &count)| count != 1) {
        let mut shape = y.shape().to_vec();
        let (before, behind) = shape.split_at(axis);
        let outer: usize = before.iter().product();
        let inner: usize = behind.iter().product();
        let whole = shape[axis].checked_mul(count);
        let too_many =
            || fails::<V>(tilewright_ops::ShapeError::TooManyElements { op: OP, shape: y.shape().to_vec() });
        shape[axis] = whole.ok_or_else(too_many)?;
        y = y.with_shape(&[outer, 1, inner])?.expand(&[outer, count, inner])?.with_shape(&shape)?;
    }
    Ok(y)
}

impl Tensor {
    /// `repeats[axis]` copies of the tensor along each axis, of any element type: `torch.Tensor.repeat`, ONNX's Tile.
    ///
    /// # Errors
    /// [`tilewright_ops::ShapeError::Parameter`] without a number for each axis,
    /// [`tilewright_ops::ShapeError::TooManyElements`].
    pub fn repeat(&self, repeats: &[usize]) -> Result<Self, Error> {
        repeat(self, repeats)
    }
}

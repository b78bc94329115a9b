//! Tensors along an axis of their own, and back.

use tilewright_ops::{Op, ShapeError};

use super::operand::{Operand, fails, operand, parameter};
use crate::error::Error;
use crate::tensor::Tensor;

fn no_axis<V: Operand>(op: &'static str, axis: usize, shape: &[usize]) -> V::Error {
    let axis = isize::try_from(axis).unwrap_or(isize::MAX);
    fails::<V>(ShapeError::Axis { op, axis, shape: shape.to_vec() })
}

/// Operands of one shape along a new axis.
pub fn stack<V: Operand>(operands: &[&V], axis: usize) -> Result<V, V::Error> {
    let op = "stack";
    let first = operands.first().ok_or_else(|| fails::<V>(ShapeError::NoOperands { op }))?;
    let shape = first.shape().to_vec();
    if axis > shape.len() {
        return Err(no_axis::<V>(op, axis, &shape));
    }
    let mut one = shape.clone();
    one.insert(axis, 1);
    let mut parts = Vec::with_capacity(operands.len());
    for part in operands {
        if part.shape() != shape {
            return Err(operand::<V>(op, "operand", part.shape(), &shape));
        }
        parts.push(part.with_shape(&one)?);
    }
    V::joined(&parts.iter().collect::<Vec<_>>(), axis)
}

/// Each element of an axis as an operand without it.
pub fn unbind<V: Operand>(x: &V, axis: usize) -> Result<Vec<V>, V::Error> {
    let extent = *x.shape().get(axis).ok_or_else(|| no_axis::<V>("unbind", axis, x.shape()))?;
    let mut shape = x.shape().to_vec();
    shape.remove(axis);
    if extent == 0 {
        return Ok(vec![]);
    }
    let parts = V::apply(&Op::Split { axis, parts: vec![1; extent] }, &[x])?;
    parts.iter().map(|part| part.with_shape(&shape)).collect()
}

/// At most `count` parts of an axis, of which the last may be shorter and the others are alike.
pub fn chunk<V: Operand>(x: &V, count: usize, axis: usize) -> Result<Vec<V>, V::Error> {
    let op = "chunk";
    let extent = *x.shape().get(axis).ok_or_else(|| no_axis::<V>(op, axis, x.shape()))?;
    if count == 0 {
        return Err(parameter::<V>(op, "count", count, "it must be at least 1"));
    }
    let most = extent.div_ceil(count).max(1);
    let mut parts = vec![most; extent / most];
    if extent % most > 0 || extent == 0 {
        parts.push(extent % most);
    }
    V::apply(&Op::Split { axis, parts }, &[x])
}

impl Tensor {
    /// Tensors of one shape along a new axis: `torch.stack`.
    ///
    /// # Errors
    /// [`ShapeError::NoOperands`], [`ShapeError::Axis`], [`ShapeError::Operand`] for one of another shape.
    pub fn stack(tensors: &[&Self], axis: usize) -> Result<Self, Error> {
        stack(tensors, axis)
    }

    /// Each element of `axis` as a tensor without that axis: `torch.unbind`, the inverse of [`Tensor::stack`].
    ///
    /// # Errors
    /// [`ShapeError::Axis`].
    pub fn unbind(&self, axis: usize) -> Result<Vec<Self>, Error> {
        unbind(self, axis)
    }

    /// At most `count` parts along `axis`, all of one extent but the last, which may be shorter: `torch.chunk`.
    ///
    /// # Errors
    /// [`ShapeError::Axis`], [`ShapeError::Parameter`] for a count of 0.
    pub fn chunk(&self, count: usize, axis: usize) -> Result<Vec<Self>, Error> {
        chunk(self, count, axis)
    }
}

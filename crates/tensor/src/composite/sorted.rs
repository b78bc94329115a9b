//! Axes in order.

use tilewright_ops::{Op, ShapeError, TopK};

use super::operand::{Operand, fails};
use crate::error::Error;
use crate::tensor::Tensor;

/// The elements along `axis` in order, and their i32 indices along it; equal ones stay in theirs.
pub fn sort<V: Operand>(x: &V, axis: usize, descending: bool) -> Result<(V, Tensor), V::Error> {
    let op = "sort";
    let Some(&k) = x.shape().get(axis) else {
        let axis = isize::try_from(axis).unwrap_or(isize::MAX);
        return Err(fails::<V>(ShapeError::Axis { op, axis, shape: x.shape().to_vec() }));
    };
    let mut results = V::apply(&Op::TopK(TopK { k, axis, largest: descending }), &[x])?.into_iter();
    match (results.next(), results.next()) {
        (Some(values), Some(indices)) => Ok((values, indices.tensor().clone())),
        _ => Err(fails::<V>(ShapeError::NoOperands { op })),
    }
}

impl Tensor {
    /// The elements along `axis` from the smallest to the largest, or the other way, and their i32 indices along it:
    /// `torch.sort` with `stable=True`. A NaN counts as larger than everything. It is [`Tensor::topk`] of the whole axis.
    ///
    /// # Errors
    /// [`ShapeError::Axis`]; [`Error::DType`] unless f32.
    pub fn sort(&self, axis: usize, descending: bool) -> Result<(Self, Self), Error> {
        sort(self, axis, descending)
    }

    /// The i32 indices that put `axis` in order, equal elements in theirs: `torch.argsort` with `stable=True`.
    ///
    /// # Errors
    /// As [`Tensor::sort`].
    pub fn argsort(&self, axis: usize, descending: bool) -> Result<Self, Error> {
        Ok(sort(self, axis, descending)?.1)
    }
}

//! Variables as what composites are written in: each operation leaves its own place on the tape.

use tilewright_ops::{BinaryOp, Conv2d, CumSum, Op, Pool2d, ReduceOp, SliceRange, TapTable, UnaryOp};
use tilewright_tensor::{Tensor, composite::Operand};

use crate::error::Error;
use crate::var::Var;

type Result<T> = std::result::Result<T, Error>;

impl Operand for Var {
    type Error = Error;

    fn tensor(&self) -> &Tensor {
        Self::tensor(self)
    }

    fn constant(value: Tensor) -> Self {
        Self::constant(value)
    }

    fn apply(op: &Op, operands: &[&Self]) -> Result<Vec<Self>> {
        Self::run(op, operands)
    }

    /// Saves nothing but the transposed tables.
    fn resampled(&self, axis: usize, tables: [&TapTable; 2]) -> Result<Self> {
        let y = self.tensor().resample_tables(axis, tables)?;
        // The tables are the host's, so that the rule has them without reading them back.
        let extents = [self.shape()[axis], self.shape()[axis + 1]];
        let [rows, columns] = [tables[0].transposed(extents[0]), tables[1].transposed(extents[1])];
        Ok(Self::custom("resample", &[self], y, move |grad_y, _| {
            Ok(vec![Some(grad_y.resample_tables(axis, [&rows, &columns])?)])
        }))
    }

    fn unary(&self, op: UnaryOp) -> Result<Self> {
        Self::unary(self, op)
    }

    fn binary(&self, op: BinaryOp, other: &Self) -> Result<Self> {
        Self::binary(self, op, other)
    }

    fn where_on(&self, condition: &Tensor, other: &Self) -> Result<Self> {
        Self::where_on(self, condition, other)
    }

    fn reduce(&self, op: ReduceOp, axes: &[usize], keepdim: bool) -> Result<Self> {
        Self::reduce(self, op, axes, keepdim)
    }

    fn split_moments(&self, axes: &[usize]) -> Result<[Self; 3]> {
        Self::split_moments(self, axes)
    }

    fn standardize_by(&self, of_lines: [&Self; 3]) -> Result<Self> {
        Self::standardize_by(self, of_lines)
    }

    fn cumsum(&self, op: &CumSum) -> Result<Self> {
        Self::cumsum(self, op)
    }

    fn matmul(&self, other: &Self) -> Result<Self> {
        Self::matmul(self, other)
    }

    fn conv2d(&self, weight: &Self, bias: Option<&Self>, op: &Conv2d) -> Result<Self> {
        Self::conv2d(self, weight, bias, op)
    }

    fn max_pool2d_values(&self, pool: &Pool2d) -> Result<Self> {
        Self::max_pool2d(self, pool)
    }

    fn avg_pool2d(&self, pool: &Pool2d) -> Result<Self> {
        Self::avg_pool2d(self, pool)
    }

    fn sum_pool2d(&self, pool: &Pool2d) -> Result<Self> {
        Self::sum_pool2d(self, pool)
    }

    fn reshape(&self, shape: &[isize]) -> Result<Self> {
        Self::reshape(self, shape)
    }

    fn permute(&self, axes: &[usize]) -> Result<Self> {
        Self::permute(self, axes)
    }

    fn slice(&self, ranges: &[SliceRange]) -> Result<Self> {
        Self::slice(self, ranges)
    }

    fn pad(&self, padding: &[(usize, usize)], value: f32) -> Result<Self> {
        Self::pad(self, padding, value)
    }

    fn expand(&self, shape: &[usize]) -> Result<Self> {
        Self::expand(self, shape)
    }
}

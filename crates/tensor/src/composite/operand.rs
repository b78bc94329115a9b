//! What a composite is written in.

use tilewright_ops::{BinaryOp, Conv2d, CumSum, Op, Pool2d, ReduceOp, ShapeError, TapTable, UnaryOp};

use crate::error::Error;
use crate::tensor::Tensor;

/// A tensor, or a variable over one: a composite is written once, in these operations, and serves both. That it has a
/// gradient follows from each of them having one.
pub trait Operand: Clone + Sized {
    /// What its operations fail with.
    type Error: From<Error>;

    /// The value.
    fn tensor(&self) -> &Tensor;

    /// A value without a gradient.
    fn constant(value: Tensor) -> Self;

    /// `op` of `operands`, which it lists, and its results in their order.
    fn apply(op: &Op, operands: &[&Self]) -> Result<Vec<Self>, Self::Error>;

    /// The axes `axis` and the next drawn anew by tables.
    fn resampled(&self, axis: usize, tables: [&TapTable; 2]) -> Result<Self, Self::Error>;

    /// `op` of every element.
    fn unary(&self, op: UnaryOp) -> Result<Self, Self::Error>;

    /// `op` of both, broadcast.
    fn binary(&self, op: BinaryOp, other: &Self) -> Result<Self, Self::Error>;

    /// This value where `condition` is not 0, else `other`.
    fn where_on(&self, condition: &Tensor, other: &Self) -> Result<Self, Self::Error>;

    /// `op` over `axes`.
    fn reduce(&self, op: ReduceOp, axes: &[usize], keepdim: bool) -> Result<Self, Self::Error>;

    /// Mean, what its rounding leaves of it, and biased variance over `axes`: [`tilewright_ops::Moments`].
    fn split_moments(&self, axes: &[usize]) -> Result<[Self; 3], Self::Error>;

    /// `((self − mean) − rest) · inv_std`.
    fn standardize_by(&self, of_lines: [&Self; 3]) -> Result<Self, Self::Error>;

    /// Running sums.
    fn cumsum(&self, op: &CumSum) -> Result<Self, Self::Error>;

    /// The matrix product over the last two axes.
    fn matmul(&self, other: &Self) -> Result<Self, Self::Error>;

    /// Two-dimensional convolution.
    fn conv2d(&self, weight: &Self, bias: Option<&Self>, op: &Conv2d) -> Result<Self, Self::Error>;

    /// The largest element of each window.
    fn max_pool2d_values(&self, pool: &Pool2d) -> Result<Self, Self::Error>;

    /// The mean of each window.
    fn avg_pool2d(&self, pool: &Pool2d) -> Result<Self, Self::Error>;

    /// The sum of each window.
    fn sum_pool2d(&self, pool: &Pool2d) -> Result<Self, Self::Error>;

    /// Another shape of as many elements.
    fn reshape(&self, shape: &[isize]) -> Result<Self, Self::Error>;

    /// The axes in another order.
    fn permute(&self, axes: &[usize]) -> Result<Self, Self::Error>;

    /// A box.
    fn slice(&self, ranges: &[tilewright_ops::SliceRange]) -> Result<Self, Self::Error>;

    /// A border.
    fn pad(&self, padding: &[(usize, usize)], value: f32) -> Result<Self, Self::Error>;

    /// Repetition along axes of extent 1.
    fn expand(&self, shape: &[usize]) -> Result<Self, Self::Error>;

    /// The first result of [`Self::apply`].
    fn apply_one(op: &Op, operands: &[&Self]) -> Result<Self, Self::Error> {
        let first = Self::apply(op, operands)?.into_iter().next();
        first.ok_or_else(|| fails::<Self>(ShapeError::NoOperands { op: op.name() }))
    }

    /// The operands one behind the other along `axis`.
    fn joined(operands: &[&Self], axis: usize) -> Result<Self, Self::Error> {
        Self::apply_one(&Op::Concat { axis }, operands)
    }

    /// The elements of `axis` at `indices` (i32).
    fn gathered(&self, axis: usize, indices: &Tensor) -> Result<Self, Self::Error> {
        Self::apply_one(&Op::Gather { axis }, &[self, &Self::constant(indices.clone())])
    }

    /// `self + value`.
    fn plus(&self, value: f32) -> Result<Self, Self::Error> {
        if value == 0.0 { Ok(self.clone()) } else { self.unary(UnaryOp::AddScalar { value }) }
    }

    /// The shape.
    fn shape(&self) -> &[usize] {
        self.tensor().shape()
    }

    /// `self + other`.
    fn add(&self, other: &Self) -> Result<Self, Self::Error> {
        self.binary(BinaryOp::Add, other)
    }

    /// `self − other`.
    fn sub(&self, other: &Self) -> Result<Self, Self::Error> {
        self.binary(BinaryOp::Sub, other)
    }

    /// `self · other`.
    fn mul(&self, other: &Self) -> Result<Self, Self::Error> {
        self.binary(BinaryOp::Mul, other)
    }

    /// `self / other`.
    fn div(&self, other: &Self) -> Result<Self, Self::Error> {
        self.binary(BinaryOp::Div, other)
    }

    /// `self · value`.
    fn scale(&self, value: f32) -> Result<Self, Self::Error> {
        self.unary(UnaryOp::MulScalar { value })
    }

    /// A constant in the same context.
    fn values(&self, values: &[f32], shape: &[usize]) -> Result<Self, Self::Error> {
        Ok(Self::constant(Tensor::from_slice(self.tensor().context(), values, shape)?))
    }

    /// [`Self::reshape`] to extents.
    fn with_shape(&self, shape: &[usize]) -> Result<Self, Self::Error> {
        self.reshape(&shape.iter().map(|&extent| extent as isize).collect::<Vec<_>>())
    }
}

impl Operand for Tensor {
    type Error = Error;

    fn tensor(&self) -> &Tensor {
        self
    }

    fn constant(value: Tensor) -> Self {
        value
    }

    fn apply(op: &Op, operands: &[&Self]) -> Result<Vec<Self>, Error> {
        Self::run(op, operands)
    }

    fn resampled(&self, axis: usize, tables: [&TapTable; 2]) -> Result<Self, Error> {
        Self::resample_tables(self, axis, tables)
    }

    fn unary(&self, op: UnaryOp) -> Result<Self, Error> {
        Self::unary(self, op)
    }

    fn binary(&self, op: BinaryOp, other: &Self) -> Result<Self, Error> {
        Self::binary(self, op, other)
    }

    fn where_on(&self, condition: &Tensor, other: &Self) -> Result<Self, Error> {
        Self::where_on(self, condition, other)
    }

    fn reduce(&self, op: ReduceOp, axes: &[usize], keepdim: bool) -> Result<Self, Error> {
        Self::reduce(self, op, axes, keepdim)
    }

    fn split_moments(&self, axes: &[usize]) -> Result<[Self; 3], Error> {
        Self::split_moments(self, axes)
    }

    fn standardize_by(&self, of_lines: [&Self; 3]) -> Result<Self, Error> {
        Self::standardize_by(self, of_lines)
    }

    fn cumsum(&self, op: &CumSum) -> Result<Self, Error> {
        Self::cumsum(self, op)
    }

    fn matmul(&self, other: &Self) -> Result<Self, Error> {
        Self::matmul(self, other)
    }

    fn conv2d(&self, weight: &Self, bias: Option<&Self>, op: &Conv2d) -> Result<Self, Error> {
        Self::conv2d(self, weight, bias, op)
    }

    fn max_pool2d_values(&self, pool: &Pool2d) -> Result<Self, Error> {
        Self::max_pool2d_values(self, pool)
    }

    fn avg_pool2d(&self, pool: &Pool2d) -> Result<Self, Error> {
        Self::avg_pool2d(self, pool)
    }

    fn sum_pool2d(&self, pool: &Pool2d) -> Result<Self, Error> {
        Self::sum_pool2d(self, pool)
    }

    fn reshape(&self, shape: &[isize]) -> Result<Self, Error> {
        Self::reshape(self, shape)
    }

    fn permute(&self, axes: &[usize]) -> Result<Self, Error> {
        Self::permute(self, axes)
    }

    fn slice(&self, ranges: &[tilewright_ops::SliceRange]) -> Result<Self, Error> {
        Self::slice(self, ranges)
    }

    fn pad(&self, padding: &[(usize, usize)], value: f32) -> Result<Self, Error> {
        Self::pad(self, padding, value)
    }

    fn expand(&self, shape: &[usize]) -> Result<Self, Error> {
        Self::expand(self, shape)
    }
}

/// An operand whose rank does not fit `op`.
pub(super) fn rank<V: Operand>(
    op: &'static str,
    operand: &'static str,
    shape: &[usize],
    expected: &'static str,
) -> V::Error {
    fails::<V>(ShapeError::Rank { op, operand, shape: shape.to_vec(), expected })
}

/// An operand whose shape follows from the others and is another.
pub(super) fn operand<V: Operand>(
    op: &'static str,
    operand: &'static str,
    shape: &[usize],
    expected: &[usize],
) -> V::Error {
    fails::<V>(ShapeError::Operand { op, operand, shape: shape.to_vec(), expected: expected.to_vec() })
}

/// A parameter outside its range.
pub(super) fn parameter<V: Operand>(
    op: &'static str,
    parameter: &'static str,
    value: impl ToString,
    hint: &'static str,
) -> V::Error {
    fails::<V>(ShapeError::Parameter { op, parameter, value: value.to_string(), hint })
}

/// A shape rule that does not hold.
pub(super) fn fails<V: Operand>(error: ShapeError) -> V::Error {
    Error::from(error).into()
}

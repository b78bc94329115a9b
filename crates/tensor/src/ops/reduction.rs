//! Sum, mean, max, min, argmax over any axes, and the sum that undoes broadcasting.

use tilewright_ops::{BinaryOp, Op, ReduceOp, ShapeError, UnaryOp, broadcast_shapes};

use super::signed::signed;
use crate::{error::Result, tensor::Tensor};

impl Tensor {
    /// Reduces over `axes` (none means all), which go from the shape, or stay with extent 1 where `keepdim`.
    ///
    /// The order in which elements are added is fixed: the same tensor gives the same bits. A mean of nothing is NaN, a
    /// sum of nothing 0.
    ///
    /// # Errors
    /// Those of [`ReduceOp::output_shape`]; [`crate::Error::DType`] unless f32.
    pub fn reduce(&self, op: ReduceOp, axes: &[usize], keepdim: bool) -> Result<Self> {
        Self::run_one(&Op::Reduce { op, axes: axes.to_vec(), keepdim }, &[self])
    }

    /// The gradient of x, where `self` is x and `y` the result of [`Self::reduce`] with the same arguments. Equal maxima
    /// (or minima) share the gradient evenly, as torch.amax and torch.amin do.
    ///
    /// # Errors
    /// As [`Self::reduce`], and [`ShapeError::Operand`] where y or grad_y has another shape than the result.
    pub fn reduce_backward(
        &self,
        op: ReduceOp,
        axes: &[usize],
        keepdim: bool,
        y: &Self,
        grad_y: &Self,
    ) -> Result<Self> {
        self.require_f32(op.name(), "x")?;
        let shape = op.output_shape(self.shape(), axes, keepdim)?;
        let kept = op.output_shape(self.shape(), axes, true)?;
        let with_axes = |operand: &'static str, tensor: &Self| -> Result<Self> {
            tensor.require_f32(op.name(), operand)?;
            self.require_same_context(op.name(), tensor)?;
            if tensor.shape() != shape {
                let (found, expected) = (tensor.shape().to_vec(), shape.clone());
                return Err(ShapeError::Operand { op: op.name(), operand, shape: found, expected }.into());
            }
            if tensor.shape() == kept {
                return tensor.to_layout(self.layout());
            }
            tensor.reshape(&signed(&kept))?.to_layout(self.layout())
        };
        let grad_y = with_axes("grad_y", grad_y)?;
        if self.count() == 0 {
            return grad_y.expand(self.shape());
        }
        match op {
            ReduceOp::Sum => grad_y.expand(self.shape()),
            ReduceOp::Mean => {
                let count = self.count() / grad_y.count();
                grad_y.scale(1.0 / count as f32)?.expand(self.shape())
            }
            ReduceOp::Max | ReduceOp::Min => {
                let y = with_axes("y", y)?;
                let mask = self.binary(BinaryOp::Equal, &y)?;
                let winners = mask.reduce(ReduceOp::Sum, axes, true)?;
                mask.mul(&grad_y.div(&winners)?)
            }
            ReduceOp::Prod => self.product_of_the_others(axes, &with_axes("y", y)?)?.mul(&grad_y),
        }
    }

    /// The product of the other elements that became the one of `y`: where an element can be taken out of that by a
    /// division, the quotient. A 0, an infinity or a NaN cannot: where there is one in a product, what is left is the product
    /// of the rest, and where there are several, as they themselves say.
    fn product_of_the_others(&self, axes: &[usize], y: &Self) -> Result<Self> {
        let scalar = |value| Self::full(self.context(), value, &[]);
        let (zero, one, infinity) = (scalar(0.0)?, scalar(1.0)?, scalar(f32::INFINITY)?);
        let size = self.unary(UnaryOp::Abs)?;
        let divides = size.binary(BinaryOp::Greater, &zero)?.mul(&size.binary(BinaryOp::Less, &infinity)?)?;
        let divisors = self.where_on(&divides, &one)?;
        let rest = divisors.reduce(ReduceOp::Prod, axes, true)?;
        let left_out = one.sub(&divides)?.reduce(ReduceOp::Sum, axes, true)?;
        let alone = left_out.binary(BinaryOp::Equal, &one)?;
        let quotients = y.div(&divisors)?;
        let several = self.mul(y)?;
        quotients.where_on(&divides, &rest.where_on(&alone, &several)?)
    }

    /// The sum over `axes` (none means all).
    pub fn sum(&self, axes: &[usize], keepdim: bool) -> Result<Self> {
        self.reduce(ReduceOp::Sum, axes, keepdim)
    }

    /// The mean over `axes` (none means all).
    pub fn mean(&self, axes: &[usize], keepdim: bool) -> Result<Self> {
        self.reduce(ReduceOp::Mean, axes, keepdim)
    }

    /// The largest element over `axes` (none means all), as torch.amax.
    pub fn max(&self, axes: &[usize], keepdim: bool) -> Result<Self> {
        self.reduce(ReduceOp::Max, axes, keepdim)
    }

    /// The smallest element over `axes` (none means all), as torch.amin.
    pub fn min(&self, axes: &[usize], keepdim: bool) -> Result<Self> {
        self.reduce(ReduceOp::Min, axes, keepdim)
    }

    /// Where the largest element over `axes` (none means all) lies, as i32: the index along the axis, or the row-major
    /// index among several. The first of equal elements wins, and the first NaN over any number.
    ///
    /// # Errors
    /// Those of [`tilewright_ops::argmax_shape`]; [`crate::Error::DType`] unless f32.
    pub fn argmax(&self, axes: &[usize], keepdim: bool) -> Result<Self> {
        Self::run_one(&Op::Argmax { axes: axes.to_vec(), keepdim }, &[self])
    }

    /// The sum over the axes along which `shape` would be broadcast to this tensor's shape: the gradient of broadcasting.
    /// A 4-D result lies as this tensor does.
    ///
    /// # Errors
    /// [`ShapeError::Broadcast`] if `shape` does not broadcast to this tensor's shape.
    pub fn sum_to_shape(&self, shape: &[usize]) -> Result<Self> {
        let op = "sum_to_shape";
        self.require_f32(op, "x")?;
        if !broadcast_shapes(shape, self.shape()).is_ok_and(|joined| joined == self.shape()) {
            let (left, right) = (shape.to_vec(), self.shape().to_vec());
            return Err(ShapeError::Broadcast { op, left, right }.into());
        }
        if shape == self.shape() {
            return Ok(self.clone());
        }
        let missing = self.rank() - shape.len();
        let axes: Vec<usize> = (0..self.rank())
            .filter(|&axis| axis < missing || (shape[axis - missing] == 1 && self.shape()[axis] != 1))
            .collect();
        let sum = self.sum(&axes, true)?;
        if sum.shape() == shape { Ok(sum) } else { sum.reshape(&signed(shape)) }
    }
}

//! Unary and binary operations.

use tilewright_ops::{BinaryOp, UnaryOp};
use tilewright_tensor::Tensor;

use crate::{Result, Var};

impl Var {
    /// `op` of every element. Saves the operand.
    pub fn unary(&self, op: UnaryOp) -> Result<Self> {
        let y = self.tensor().unary(op)?;
        let x = self.tensor().clone();
        Ok(Self::custom(op.name(), &[self], y, move |grad_y, _| {
            Ok(vec![Some(x.unary_backward(op, grad_y)?)])
        }))
    }

    /// `op` of both, with NumPy's broadcasting. Saves the operands where the rule reads them.
    pub fn binary(&self, op: BinaryOp, other: &Self) -> Result<Self> {
        let y = self.tensor().binary(op, other.tensor())?;
        if let BinaryOp::Add | BinaryOp::Sub = op {
            // The gradient of a sum reads only shapes: the values may go.
            let (a_shape, b_shape) = (self.shape().to_vec(), other.shape().to_vec());
            return Ok(Self::custom(op.name(), &[self, other], y, move |grad_y, needs| {
                let grad_a = needs[0].then(|| grad_y.sum_to_shape(&a_shape)).transpose()?;
                let grad_b = needs[1].then(|| grad_y.sum_to_shape(&b_shape)).transpose()?;
                let grad_b = match op {
                    BinaryOp::Sub => grad_b.map(|grad| grad.unary(UnaryOp::Neg)).transpose()?,
                    _ => grad_b,
                };
                Ok(vec![grad_a, grad_b])
            }));
        }
        let (a, b) = (self.tensor().clone(), other.tensor().clone());
        Ok(Self::custom(op.name(), &[self, other], y, move |grad_y, needs| {
            Ok(a.binary_backward(op, &b, grad_y, [needs[0], needs[1]])?.into())
        }))
    }

    /// `self + other`, broadcasting.
    pub fn add(&self, other: &Self) -> Result<Self> {
        self.binary(BinaryOp::Add, other)
    }

    /// `max(self + other, 0)`, broadcasting, in one pass, and one backward. Saves the result, by which the gradient is masked.
    pub fn add_relu(&self, other: &Self) -> Result<Self> {
        let y = self.tensor().add_relu(other.tensor())?;
        let (a_shape, b_shape) = (self.shape().to_vec(), other.shape().to_vec());
        let kept = y.clone();
        Ok(Self::custom("add_relu", &[self, other], y, move |grad_y, needs| {
            // The result is positive where the sum is: it serves as the operand.
            let grad = kept.unary_backward(UnaryOp::Relu, grad_y)?;
            let grad_a = needs[0].then(|| grad.sum_to_shape(&a_shape)).transpose()?;
            let grad_b = needs[1].then(|| grad.sum_to_shape(&b_shape)).transpose()?;
            Ok(vec![grad_a, grad_b])
        }))
    }

    /// `self − other`, broadcasting.
    pub fn sub(&self, other: &Self) -> Result<Self> {
        self.binary(BinaryOp::Sub, other)
    }

    /// `self · other`, element by element, broadcasting.
    pub fn mul(&self, other: &Self) -> Result<Self> {
        self.binary(BinaryOp::Mul, other)
    }

    /// `self / other`, broadcasting.
    pub fn div(&self, other: &Self) -> Result<Self> {
        self.binary(BinaryOp::Div, other)
    }

    /// `max(self, 0)`.
    pub fn relu(&self) -> Result<Self> {
        self.unary(UnaryOp::Relu)
    }

    /// `self · value`.
    pub fn scale(&self, value: f32) -> Result<Self> {
        self.unary(UnaryOp::MulScalar { value })
    }

    /// This variable where `condition` is not 0, else `other`, with broadcasting. Saves the condition, which gets no
    /// gradient.
    pub fn where_on(&self, condition: &Tensor, other: &Self) -> Result<Self> {
        let y = self.tensor().where_on(condition, other.tensor())?;
        let (condition, shapes) = (condition.clone(), [self.shape().to_vec(), other.shape().to_vec()]);
        Ok(Self::custom("where", &[self, other], y, move |grad_y, needs| {
            let zero = Tensor::zeros(grad_y.context(), &[])?;
            let chosen = needs[0].then(|| grad_y.where_on(&condition, &zero)?.sum_to_shape(&shapes[0]));
            let others = needs[1].then(|| zero.where_on(&condition, grad_y)?.sum_to_shape(&shapes[1]));
            Ok(vec![chosen.transpose()?, others.transpose()?])
        }))
    }
}

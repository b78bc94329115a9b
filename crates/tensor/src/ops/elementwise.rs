//! Unary and binary operations, casts.

use tilewright_ops::{BinaryOp, DType, Gradient, Op, ShapeError, UnaryOp};

use crate::{error::Result, tensor::Tensor};

impl Tensor {
    /// `op` of every element.
    pub fn unary(&self, op: UnaryOp) -> Result<Self> {
        Self::run_one(&Op::Unary(op), &[self])
    }

    /// `grad_y · op'(x)` where `self` is x: the gradient of [`Self::unary`].
    pub fn unary_backward(&self, op: UnaryOp, grad_y: &Self) -> Result<Self> {
        Self::run_one(&Op::Gradient(Gradient::Unary(op)), &[self, grad_y])
    }

    /// `op` of both, with NumPy's broadcasting.
    pub fn binary(&self, op: BinaryOp, other: &Self) -> Result<Self> {
        self.binary_fused(op, other, None)
    }

    /// [`Self::binary`] with an activation of the result in the same pass.
    pub fn binary_fused(&self, op: BinaryOp, other: &Self, activation: Option<UnaryOp>) -> Result<Self> {
        Self::run_one(&Op::Binary { op, activation }, &[self, other])
    }

    /// `max(self + other, 0)`, broadcasting: the end of a residual block.
    pub fn add_relu(&self, other: &Self) -> Result<Self> {
        self.binary_fused(BinaryOp::Add, other, Some(UnaryOp::Relu))
    }

    /// The gradients of [`Self::binary`] for both operands, each in its own shape; what is not wanted is `None`.
    pub fn binary_backward(
        &self,
        op: BinaryOp,
        other: &Self,
        grad_y: &Self,
        wants: [bool; 2],
    ) -> Result<[Option<Self>; 2]> {
        // Sums need no kernel of their own.
        let full = match op {
            BinaryOp::Add | BinaryOp::Sub => {
                grad_y.require_f32(op.name(), "grad_y")?;
                let expected = op.output_shape(self.shape(), other.shape())?;
                if grad_y.shape() != expected {
                    let shape = grad_y.shape().to_vec();
                    return Err(
                        ShapeError::Operand { op: op.name(), operand: "grad_y", shape, expected }.into()
                    );
                }
                let negative =
                    |grad: Self| if op == BinaryOp::Sub { grad.unary(UnaryOp::Neg) } else { Ok(grad) };
                [wants[0].then(|| grad_y.clone()), wants[1].then(|| negative(grad_y.clone())).transpose()?]
            }
            _ if wants == [false; 2] => [None, None],
            _ => {
                let gradient = Op::Gradient(Gradient::Binary { op, wants });
                let mut found = Self::run(&gradient, &[self, other, grad_y])?.into_iter();
                wants.map(|want| if want { found.next() } else { None })
            }
        };
        let [full_a, full_b] = full;
        let grad_a = full_a.map(|grad| grad.sum_to_shape(self.shape())).transpose()?;
        let grad_b = full_b.map(|grad| grad.sum_to_shape(other.shape())).transpose()?;
        Ok([grad_a, grad_b])
    }

    /// The elements as another type. Float to integer truncates towards zero.
    pub fn cast(&self, dtype: DType) -> Result<Self> {
        if dtype == self.dtype() {
            return Ok(self.clone());
        }
        Self::run_one(&Op::Cast(dtype), &[self])
    }

    /// `self + other`, broadcasting.
    pub fn add(&self, other: &Self) -> Result<Self> {
        self.binary(BinaryOp::Add, other)
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
}

//! Unary and binary operations, casts, a choice.

use tilewright_ops::{BinaryOp, DType, Op, UnaryOp};
use tilewright_tensor::Tensor;

use crate::{error::Result, var::Var};

impl Var {
    /// `op` of every element. Saves the operand.
    pub fn unary(&self, op: UnaryOp) -> Result<Self> {
        Self::run_one(&Op::Unary(op), &[self])
    }

    /// `op` of both, with NumPy's broadcasting. Saves the operands where the rule reads them.
    pub fn binary(&self, op: BinaryOp, other: &Self) -> Result<Self> {
        Self::run_one(&Op::Binary { op, activation: None }, &[self, other])
    }

    /// `self + other`, broadcasting.
    pub fn add(&self, other: &Self) -> Result<Self> {
        self.binary(BinaryOp::Add, other)
    }

    /// `max(self + other, 0)`, broadcasting, in one pass, and one backward. Saves the result, by which the gradient is masked.
    pub fn add_relu(&self, other: &Self) -> Result<Self> {
        let op = Op::Binary { op: BinaryOp::Add, activation: Some(UnaryOp::Relu) };
        Self::run_one(&op, &[self, other])
    }

    /// As [`Self::add_relu`], in this value's place where nobody else holds it and its shape is `other`'s.
    pub fn add_relu_over(self, other: &Self) -> Result<Self> {
        let op = Op::Binary { op: BinaryOp::Add, activation: Some(UnaryOp::Relu) };
        let mut results = Self::run_over(&op, &[&self, other], Some(0))?;
        Ok(results.swap_remove(0))
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

    /// The elements as another type. Only between f32 and f16 does a gradient go back.
    pub fn cast(&self, dtype: DType) -> Result<Self> {
        Self::run_one(&Op::Cast(dtype), &[self])
    }

    /// This variable where `condition` is not 0, else `other`, with broadcasting. Saves the condition, which gets no
    /// gradient.
    pub fn where_on(&self, condition: &Tensor, other: &Self) -> Result<Self> {
        Self::run_one(&Op::Where, &[&Self::constant(condition.clone()), self, other])
    }
}

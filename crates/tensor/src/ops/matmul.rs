//! Matrix products and linear layers.

use tilewright_kernels::matmul::MatmulAlgorithm;
use tilewright_ops::{MatMul, MatMulDims, Op, ShapeError, UnaryOp};

use super::signed::signed;
use crate::{epilogue::Epilogue, error::Result, hints::Hints, tensor::Tensor};

/// A matrix product with all that may be done in its kernel.
#[derive(Clone, Copy, Debug, Default)]
pub struct MatMulCall<'a> {
    /// Transpositions.
    pub op: MatMul,
    /// One number for each column; f32.
    pub bias: Option<&'a Tensor>,
    /// Added before the activation: of the result's shape, and of the operands' type.
    pub residual: Option<&'a Tensor>,
    /// Of the sum.
    pub activation: Option<UnaryOp>,
    /// By this algorithm, or by the table of `kernels::select`.
    pub algorithm: Option<MatmulAlgorithm>,
    /// By no algorithm that splits its operands: [`Hints::exact`].
    pub exact: bool,
}

impl MatMulCall<'_> {
    /// The plain product.
    #[must_use]
    pub fn new(op: MatMul) -> Self {
        Self { op, ..Self::default() }
    }
}

impl<'a> MatMulCall<'a> {
    /// The same with an epilogue.
    #[must_use]
    pub fn with_epilogue(self, epilogue: Epilogue<'a>) -> Self {
        let Epilogue { bias, residual, activation } = epilogue;
        Self { bias, residual, activation, ..self }
    }
}

impl Tensor {
    /// `self · other` over the last two axes; leading axes broadcast.
    ///
    /// # Errors
    /// Those of [`MatMul::dims`].
    pub fn matmul(&self, other: &Self) -> Result<Self> {
        self.matmul_with(other, &MatMulCall::default())
    }

    /// `activation(self · other + bias + residual)`, as far as the call has them, in one kernel, with either operand read
    /// transposed.
    ///
    /// Operands are f32, or both f16: then sums are f32, result and residual f16, and the bias f32 all the same.
    ///
    /// # Errors
    /// Those of [`MatMul::dims`]; [`tilewright_runtime::Error::Unsupported`] if the algorithm cannot run this shape on this
    /// device.
    pub fn matmul_with(&self, other: &Self, call: &MatMulCall<'_>) -> Result<Self> {
        let MatMulCall { op, bias, residual, activation, algorithm, exact } = *call;
        let inputs: Vec<_> = [self, other].into_iter().chain(bias).chain(residual).collect();
        let op = Op::MatMul { op, bias: bias.is_some(), residual: residual.is_some(), activation };
        Self::run_one_with(&op, &inputs, &Hints { matmul: algorithm, exact, ..Hints::default() })
    }

    /// A linear layer: `x · weightᵀ + bias` for x of shape … I, a weight of shape O I and a bias of shape O.
    pub fn linear(&self, weight: &Self, bias: Option<&Self>) -> Result<Self> {
        let op = MatMul { transpose_right: true, ..MatMul::default() };
        self.matmul_with(weight, &MatMulCall { bias, ..MatMulCall::new(op) })
    }

    /// The gradients of both operands of [`Self::matmul_with`] without bias and activation, in their own shapes.
    pub fn matmul_backward(left: &Self, right: &Self, op: &MatMul, grad_y: &Self) -> Result<(Self, Self)> {
        Ok((
            Self::matmul_backward_left(left.shape(), right, op, grad_y)?,
            Self::matmul_backward_right(left, right.shape(), op, grad_y)?,
        ))
    }

    /// The gradient of the left operand, of shape `left_shape`.
    pub fn matmul_backward_left(
        left_shape: &[usize],
        right: &Self,
        op: &MatMul,
        grad_y: &Self,
    ) -> Result<Self> {
        let dims = op.dims(left_shape, right.shape())?;
        grad_y.require_matmul_gradient(&dims)?;
        let product = if op.transpose_left {
            // leftᵀ is M K and its gradient grad_y · rightᵀ; stored K M it is right · grad_yᵀ.
            let op = MatMul { transpose_left: op.transpose_right, transpose_right: true };
            right.matmul_with(grad_y, &MatMulCall::new(op))?
        } else {
            let op = MatMul { transpose_left: false, transpose_right: !op.transpose_right };
            grad_y.matmul_with(right, &MatMulCall::new(op))?
        };
        product.sum_batch_to(left_shape)
    }

    /// The gradient of the right operand, of shape `right_shape`.
    pub fn matmul_backward_right(
        left: &Self,
        right_shape: &[usize],
        op: &MatMul,
        grad_y: &Self,
    ) -> Result<Self> {
        let dims = op.dims(left.shape(), right_shape)?;
        grad_y.require_matmul_gradient(&dims)?;
        let shared = right_shape.len() == 2 && !op.transpose_left;
        let (left, grad_y) = if shared {
            // One right operand for the whole batch: its rows follow one another, and the product sums over all.
            let count = dims.batch.iter().product::<usize>() * dims.m;
            let rows = |tensor: &Self, columns: usize| -> Result<Self> {
                tensor.reshape(&signed(&[count, columns]))
            };
            (rows(left, dims.k)?, rows(grad_y, dims.n)?)
        } else {
            (left.clone(), grad_y.clone())
        };
        let product = if op.transpose_right {
            let op = MatMul { transpose_left: true, transpose_right: op.transpose_left };
            grad_y.matmul_with(&left, &MatMulCall::new(op))?
        } else {
            let op = MatMul { transpose_left: !op.transpose_left, transpose_right: false };
            left.matmul_with(&grad_y, &MatMulCall::new(op))?
        };
        product.sum_batch_to(right_shape)
    }

    fn require_matmul_gradient(&self, dims: &MatMulDims) -> Result<()> {
        self.require_f32("matmul_backward", "grad_y")?;
        let expected = [&dims.batch[..], &[dims.m, dims.n]].concat();
        if self.shape() == expected {
            return Ok(());
        }
        let shape = self.shape().to_vec();
        Err(ShapeError::Operand { op: "matmul_backward", operand: "grad_y", shape, expected }.into())
    }

    /// Sums the leading axes that `shape` has not, or has with extent 1, as products with a row of ones.
    fn sum_batch_to(&self, shape: &[usize]) -> Result<Self> {
        let mut sum = self.clone();
        let missing = sum.rank() - shape.len();
        for axis in 0..sum.rank() {
            let extent = sum.shape()[axis];
            let wanted = if axis < missing { 1 } else { shape[axis - missing] };
            if extent == wanted {
                continue;
            }
            let outer: usize = sum.shape()[..axis].iter().product();
            let inner: usize = sum.shape()[axis + 1..].iter().product();
            let mut summed = sum.shape().to_vec();
            summed[axis] = 1;
            let ones = Self::ones(sum.context(), &[1, extent])?;
            let stacked = sum.reshape(&signed(&[outer, extent, inner]))?;
            sum = ones.matmul(&stacked)?.reshape(&signed(&summed))?;
        }
        if sum.shape() == shape { Ok(sum) } else { sum.reshape(&signed(shape)) }
    }
}

//! Matrix products and linear layers.

use tilewright_kernels::{
    matmul::{self, MatmulAlgorithm, Operands, Problem},
    select::{Device, DeviceClass},
    strided::Strided,
};
use tilewright_ops::{DType, MatMul, MatMulDims, Op, ShapeError, UnaryOp};

use crate::{Epilogue, Layout, Result, Tensor, trace};

impl Tensor {
    /// `self · other` over the last two axes; leading axes broadcast.
    ///
    /// # Errors
    /// Those of [`MatMul::dims`].
    pub fn matmul(&self, other: &Self) -> Result<Self> {
        self.matmul_with(other, &MatMul::default(), None, None)
    }

    /// `activation(self · other + bias)` with either operand read transposed; the bias has one entry for each column.
    ///
    /// Operands are f32, or both f16: then sums are f32, the result is f16, and the bias f32 all the same.
    pub fn matmul_with(
        &self,
        other: &Self,
        op: &MatMul,
        bias: Option<&Self>,
        activation: Option<UnaryOp>,
    ) -> Result<Self> {
        self.matmul_as(other, op, bias, activation, None)
    }

    /// As [`Self::matmul_with`], by the algorithm named, or by the table of `kernels::select` if none is.
    ///
    /// # Errors
    /// As [`Self::matmul_fused`].
    pub fn matmul_as(
        &self,
        other: &Self,
        op: &MatMul,
        bias: Option<&Self>,
        activation: Option<UnaryOp>,
        algorithm: Option<MatmulAlgorithm>,
    ) -> Result<Self> {
        self.matmul_fused(other, op, &Epilogue { bias, residual: None, activation }, algorithm)
    }

    /// `activation(self · other + bias + residual)` in one kernel, by the algorithm named, or by the table of
    /// `kernels::select` if none is. The residual has the result's shape.
    ///
    /// # Errors
    /// [`tilewright_runtime::Error::Unsupported`] if the algorithm cannot run this shape on this device.
    pub fn matmul_fused(
        &self,
        other: &Self,
        op: &MatMul,
        epilogue: &Epilogue<'_>,
        algorithm: Option<MatmulAlgorithm>,
    ) -> Result<Self> {
        let dtype = self.require_product_type("matmul", "left", other, "right")?;
        self.require_same_context("matmul", other)?;
        let dims = op.dims(self.shape(), other.shape())?;
        let shape = op.output_shape(self.shape(), other.shape())?;
        self.check_epilogue("matmul", dims.n, (&shape, dtype), epilogue)?;
        let operands: Vec<_> =
            [self, other].into_iter().chain(epilogue.bias).chain(epilogue.residual).collect();
        let traced = || Op::MatMul {
            op: *op,
            bias: epilogue.bias.is_some(),
            residual: epilogue.residual.is_some(),
            activation: epilogue.activation,
        };
        if let Some(y) = trace::step(traced, &operands) {
            return y;
        }
        if algorithm.is_none() && self.widens(dtype) {
            let wide = epilogue.widened()?;
            let y =
                self.cast(DType::F32)?.matmul_fused(&other.cast(DType::F32)?, op, &wide.epilogue(), None)?;
            return y.cast(DType::F16);
        }
        let left = self.to_layout(Layout::RowMajor)?;
        let right = other.to_layout(Layout::RowMajor)?;
        let (left, left_stride) = left.batch_stride(&dims.batch)?;
        let (right, right_stride) = right.batch_stride(&dims.batch)?;
        let mut problem = Problem {
            batches: dims.batch.iter().product(),
            m: dims.m,
            n: dims.n,
            k: dims.k,
            transpose_left: op.transpose_left,
            transpose_right: op.transpose_right,
            left_stride,
            right_stride,
            dtype,
        };
        // One right operand for all: the batch is only more rows.
        if right_stride == 0 && !op.transpose_left && (problem.batches == 1 || left_stride == dims.m * dims.k)
        {
            problem = Problem { batches: 1, m: problem.batches * dims.m, left_stride: 0, ..problem };
        }
        let y = Self::empty(self.context(), &shape, dtype, Layout::RowMajor)?;
        let residual = match epilogue.residual {
            Some(residual) => Some(residual.to_layout(Layout::RowMajor)?),
            None => None,
        };
        let operands = Operands {
            left: left.buffer(),
            right: right.buffer(),
            bias: epilogue.bias.map(Self::buffer),
            residual: residual.as_ref().map(Self::buffer),
            y: y.buffer(),
        };
        let activation = epilogue.activation;
        match algorithm {
            Some(algorithm) => matmul::matmul_as(self.context(), algorithm, &problem, &operands, activation)?,
            None => matmul::matmul(self.context(), &problem, &operands, activation)?,
        }
        Ok(y)
    }

    /// A linear layer: `x · weightᵀ + bias` for x of shape … I, a weight of shape O I and a bias of shape O.
    pub fn linear(&self, weight: &Self, bias: Option<&Self>) -> Result<Self> {
        self.matmul_with(weight, &MatMul { transpose_right: true, ..MatMul::default() }, bias, None)
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
            right.matmul_with(grad_y, &op, None, None)?
        } else {
            let op = MatMul { transpose_left: false, transpose_right: !op.transpose_right };
            grad_y.matmul_with(right, &op, None, None)?
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
                Ok(tensor.to_layout(Layout::RowMajor)?.relabel(&[count, columns], Layout::RowMajor))
            };
            (rows(left, dims.k)?, rows(grad_y, dims.n)?)
        } else {
            (left.clone(), grad_y.clone())
        };
        let product = if op.transpose_right {
            let op = MatMul { transpose_left: true, transpose_right: op.transpose_left };
            grad_y.matmul_with(&left, &op, None, None)?
        } else {
            let op = MatMul { transpose_left: !op.transpose_left, transpose_right: false };
            left.matmul_with(&grad_y, &op, None, None)?
        };
        product.sum_batch_to(right_shape)
    }

    /// The stride from matrix to matrix under which the kernels read this operand for `batch`: its own, 0 where all
    /// share one, and a copy where some axes broadcast and others do not.
    fn batch_stride(&self, batch: &[usize]) -> Result<(Self, usize)> {
        let [own @ .., rows, columns] = self.shape() else { return Ok((self.clone(), 0)) };
        let matrix = rows * columns;
        let mut strides = vec![0; batch.len()];
        let mut stride = matrix as isize;
        for (slot, &extent) in strides.iter_mut().rev().zip(own.iter().rev()) {
            *slot = if extent == 1 { 0 } else { stride };
            stride *= extent as isize;
        }
        let merged = Strided::new(batch, &strides, &strides);
        if let [stride] = merged.first[..] {
            return Ok((self.clone(), stride as usize));
        }
        let shape = [batch, &[*rows, *columns]].concat();
        Ok((self.expand(&shape)?.to_layout(Layout::RowMajor)?, matrix))
    }

    /// Whether products of this type go by way of f32: on software Vulkan, whose kernels for 8 lanes are f32 and many
    /// times as quick as those that take f16, and where shaders have no f16. Sums are f32 either way.
    pub(crate) fn widens(&self, dtype: DType) -> bool {
        let device = Device::of(self.context());
        dtype == DType::F16 && (device.class == DeviceClass::SoftwareVulkan || !device.f16)
    }

    /// Checks what a fused epilogue takes: an f32 bias of `columns` entries, a residual like the result, an activation with valid
    /// parameters.
    pub(crate) fn check_epilogue(
        &self,
        op: &'static str,
        columns: usize,
        (shape, dtype): (&[usize], DType),
        epilogue: &Epilogue<'_>,
    ) -> Result<()> {
        if let Some(activation) = epilogue.activation {
            activation.check()?;
        }
        let addends = [
            ("bias", epilogue.bias, &[columns][..], DType::F32),
            ("residual", epilogue.residual, shape, dtype),
        ];
        for (operand, tensor, expected, dtype) in addends {
            let Some(tensor) = tensor else { continue };
            tensor.require_dtype(op, operand, dtype)?;
            self.require_same_context(op, tensor)?;
            if tensor.shape() != expected {
                let (shape, expected) = (tensor.shape().to_vec(), expected.to_vec());
                return Err(ShapeError::Operand { op, operand, shape, expected }.into());
            }
        }
        Ok(())
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
        let mut sum = self.to_layout(Layout::RowMajor)?;
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
            let stacked = sum.relabel(&[outer, extent, inner], Layout::RowMajor);
            sum = ones.matmul(&stacked)?.relabel(&summed, Layout::RowMajor);
        }
        Ok(sum.relabel(shape, Layout::RowMajor))
    }
}

//! Matrix products.

use tilewright_kernels::{
    matmul::{self, Operands, Problem},
    select::{Device, DeviceClass},
    strided::Strided,
};
use tilewright_ops::{DType, MatMul};

use crate::{epilogue::Epilogue, error::Result, hints::Hints, layout::Layout, tensor::Tensor};

pub(super) fn matmul(
    op: &MatMul,
    x: &Tensor,
    other: &Tensor,
    epilogue: &Epilogue<'_>,
    shape: &[usize],
    hints: &Hints,
) -> Result<Tensor> {
    let dtype = x.dtype();
    let dims = op.dims(x.shape(), other.shape())?;
    if hints.matmul.is_none() && widens(x) {
        let wide = epilogue.widened()?;
        let (x, other) = (x.cast(DType::F32)?, other.cast(DType::F32)?);
        return matmul(op, &x, &other, &wide.epilogue(), shape, hints)?.cast(DType::F16);
    }
    let left = x.to_layout(Layout::RowMajor)?;
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
    if right_stride == 0 && !op.transpose_left && (problem.batches == 1 || left_stride == dims.m * dims.k) {
        problem = Problem { batches: 1, m: problem.batches * dims.m, left_stride: 0, ..problem };
    }
    let y = Tensor::empty(x.context(), shape, dtype, Layout::RowMajor)?;
    let residual = epilogue.residual.map(|residual| residual.to_layout(Layout::RowMajor)).transpose()?;
    let operands = Operands {
        left: left.buffer(),
        right: right.buffer(),
        bias: epilogue.bias.map(Tensor::buffer),
        residual: residual.as_ref().map(Tensor::buffer),
        y: y.buffer(),
    };
    let (context, activation) = (x.context(), epilogue.activation);
    match hints.matmul {
        Some(algorithm) => matmul::matmul_as(context, algorithm, &problem, &operands, activation)?,
        None => matmul::matmul(context, &problem, &operands, activation)?,
    }
    Ok(y)
}

/// Whether a product with this operand goes by way of f32: of f16 on software Vulkan, whose kernels for 8 lanes are f32 and
/// many times as quick as those that take f16, and where shaders have no f16. Sums are f32 either way.
pub(super) fn widens(x: &Tensor) -> bool {
    let device = Device::of(x.context());
    x.dtype() == DType::F16 && (device.class == DeviceClass::SoftwareVulkan || !device.f16)
}

impl Tensor {
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
}

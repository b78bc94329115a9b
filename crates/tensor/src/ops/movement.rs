//! Reshape, permute, slice, concat, pad, expand.

use tilewright_kernels::{elementwise, movement, strided::Strided};
use tilewright_ops::{
    DType, Op, ShapeError, SliceRange, concat_shape, pad_shape, permute_shape, reshape_shape, slice_shape,
};

use crate::{Error, Layout, Result, Tensor, trace};

impl Tensor {
    /// The same elements in row-major order under another shape; one extent may be −1.
    pub fn reshape(&self, shape: &[isize]) -> Result<Self> {
        let shape = reshape_shape(self.shape(), shape)?;
        if let Some(y) = trace::step(|| Op::Reshape(shape.clone()), &[self]) {
            return y;
        }
        Ok(self.to_layout(Layout::RowMajor)?.relabel(&shape, Layout::RowMajor))
    }

    /// Merges all axes from `first` on.
    pub fn flatten(&self, first: usize) -> Result<Self> {
        let mut shape: Vec<isize> = self.shape().iter().take(first).map(|&extent| extent as isize).collect();
        // Not −1: an empty batch has no extent to infer from.
        shape.push(self.shape().iter().skip(first).product::<usize>() as isize);
        self.reshape(&shape)
    }

    /// The axes in another order: axis `i` of the result is axis `axes[i]` of this tensor.
    pub fn permute(&self, axes: &[usize]) -> Result<Self> {
        let shape = permute_shape(self.shape(), axes)?;
        if let Some(y) = trace::step(|| Op::Permute(axes.to_vec()), &[self]) {
            return y;
        }
        let own = self.strides();
        let strides: Vec<_> = axes.iter().map(|&axis| own[axis]).collect();
        self.copy_to("permute", &shape, &strides, 0, Layout::RowMajor)
    }

    /// The elements `start..end` (by `step`) of each axis; as Python's slices, with positive steps.
    pub fn slice(&self, ranges: &[SliceRange]) -> Result<Self> {
        let shape = slice_shape(self.shape(), ranges)?;
        if let Some(y) = trace::step(|| Op::Slice(ranges.to_vec()), &[self]) {
            return y;
        }
        let own = self.strides();
        let mut strides = own.clone();
        let mut offset = 0;
        for (axis, range) in ranges.iter().enumerate() {
            offset += range.start as isize * own[axis];
            strides[axis] = step(own[axis], range);
        }
        self.copy_to("slice", &shape, &strides, offset as usize, self.layout())
    }

    /// The tensors one behind the other along `axis`.
    pub fn concat(tensors: &[&Self], axis: usize) -> Result<Self> {
        let shapes: Vec<_> = tensors.iter().map(|tensor| tensor.shape()).collect();
        let shape = concat_shape(&shapes, axis)?;
        let [first, rest @ ..] = tensors else {
            return Err(ShapeError::NoOperands { op: "concat" }.into());
        };
        for other in rest {
            first.require_same_context("concat", other)?;
            if other.dtype() != first.dtype() {
                let expected = first.dtype().name();
                return Err(Error::DType {
                    op: "concat",
                    operand: "tensors",
                    found: other.dtype(),
                    expected,
                });
            }
        }
        if let Some(y) = trace::step(|| Op::Concat { axis }, tensors) {
            return y;
        }
        if first.dtype() == DType::F16 {
            // As in `copy_to`.
            let wide: Vec<_> = tensors.iter().map(|tensor| tensor.cast(DType::F32)).collect::<Result<_>>()?;
            return Self::concat(&wide.iter().collect::<Vec<_>>(), axis)?.cast(DType::F16);
        }
        let y = Self::empty(first.context(), &shape, first.dtype(), first.layout())?;
        let strides = y.strides();
        let mut at = 0;
        for tensor in tensors {
            tensor.copy_into("concat", &y, at * strides[axis], &strides)?;
            at += tensor.shape()[axis] as isize;
        }
        Ok(y)
    }

    /// Surrounds the tensor with `value`: `padding[axis]` elements before and behind.
    pub fn pad(&self, padding: &[(usize, usize)], value: f32) -> Result<Self> {
        self.require_f32("pad", "x")?;
        let shape = pad_shape(self.shape(), padding)?;
        if let Some(y) = trace::step(|| Op::Pad { padding: padding.to_vec(), value }, &[self]) {
            return y;
        }
        let y = Self::empty(self.context(), &shape, DType::F32, self.layout())?;
        elementwise::fill(self.context(), y.buffer(), y.count(), value.to_bits())?;
        let strides = y.strides();
        let offset: isize =
            padding.iter().zip(&strides).map(|((before, _), stride)| *before as isize * stride).sum();
        self.copy_into("pad", &y, offset, &strides)?;
        Ok(y)
    }

    /// Puts `grad_y` back to where [`Self::slice`] took it from, in zeros of `shape`: the gradient of a slice.
    pub fn slice_backward(shape: &[usize], ranges: &[SliceRange], grad_y: &Self) -> Result<Self> {
        grad_y.require_f32("slice_backward", "grad_y")?;
        let expected = slice_shape(shape, ranges)?;
        if grad_y.shape() != expected {
            let found = grad_y.shape().to_vec();
            return Err(ShapeError::Operand {
                op: "slice_backward",
                operand: "grad_y",
                shape: found,
                expected,
            }
            .into());
        }
        let y = Self::empty(grad_y.context(), shape, DType::F32, grad_y.layout())?;
        elementwise::fill(y.context(), y.buffer(), y.count(), 0)?;
        let mut strides = y.strides();
        let mut offset = 0;
        for (axis, range) in ranges.iter().enumerate() {
            offset += range.start as isize * strides[axis];
            strides[axis] = step(strides[axis], range);
        }
        grad_y.copy_into("slice_backward", &y, offset, &strides)?;
        Ok(y)
    }

    /// The tensor repeated along broadcast axes, as a copy.
    pub fn expand(&self, shape: &[usize]) -> Result<Self> {
        if tilewright_ops::broadcast_shapes(self.shape(), shape)? != shape {
            let (left, right) = (self.shape().to_vec(), shape.to_vec());
            return Err(ShapeError::Broadcast { op: "expand", left, right }.into());
        }
        if let Some(y) = trace::step(|| Op::Expand(shape.to_vec()), &[self]) {
            return y;
        }
        self.copy_to("expand", shape, &self.broadcast_strides(shape), 0, self.layout())
    }

    /// A dense copy of the box `shape` that is read with `strides` from `offset`.
    pub(crate) fn copy_to(
        &self,
        op: &'static str,
        shape: &[usize],
        strides: &[isize],
        offset: usize,
        layout: Layout,
    ) -> Result<Self> {
        if self.dtype() == DType::F16 {
            // The kernel moves words of four bytes; every f16 is an f32.
            let wide = self.cast(DType::F32)?.copy_to(op, shape, strides, offset, layout)?;
            return wide.cast(DType::F16);
        }
        let y = Self::empty(self.context(), shape, self.dtype(), layout)?;
        if y.count() == 0 {
            return Ok(y);
        }
        let order = y.layout().memory_order(shape.len());
        let pick = |values: &[isize]| -> Vec<isize> { order.iter().map(|&axis| values[axis]).collect() };
        let extents: Vec<_> = order.iter().map(|&axis| shape[axis]).collect();
        let index = Strided::new(&extents, &pick(strides), &pick(&y.strides()));
        movement::strided_copy(self.context(), op, self.buffer(), offset, y.buffer(), 0, &index)?;
        Ok(y)
    }

    /// Writes this tensor into `y` from `offset` on, with `strides` for the logical axes.
    fn copy_into(&self, op: &'static str, y: &Self, offset: isize, strides: &[isize]) -> Result<()> {
        if self.count() == 0 {
            return Ok(());
        }
        let order = y.layout().memory_order(self.rank());
        let pick = |values: &[isize]| -> Vec<isize> { order.iter().map(|&axis| values[axis]).collect() };
        let extents: Vec<_> = order.iter().map(|&axis| self.shape()[axis]).collect();
        let index = Strided::new(&extents, &pick(&self.strides()), &pick(strides));
        movement::strided_copy(self.context(), op, self.buffer(), 0, y.buffer(), offset as usize, &index)?;
        Ok(())
    }
}

/// The stride of a slice along an axis of `stride`. A step past the end leads nowhere, and may be too large to multiply.
fn step(stride: isize, range: &SliceRange) -> isize {
    if range.len() > 1 { stride * range.step as isize } else { 0 }
}

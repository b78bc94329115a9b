//! Reshape, permute, slice, concat, split, pad, expand.

use tilewright_ops::{Gradient, Op, SliceRange, reshape_shape};

use crate::{error::Result, tensor::Tensor};

impl Tensor {
    /// The same elements in row-major order under another shape; one extent may be −1.
    pub fn reshape(&self, shape: &[isize]) -> Result<Self> {
        Self::run_one(&Op::Reshape(reshape_shape(self.shape(), shape)?), &[self])
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
        Self::run_one(&Op::Permute(axes.to_vec()), &[self])
    }

    /// The elements `start..end` (by `step`) of each axis; as Python's slices, with positive steps.
    pub fn slice(&self, ranges: &[SliceRange]) -> Result<Self> {
        Self::run_one(&Op::Slice(ranges.to_vec()), &[self])
    }

    /// Puts `grad_y` back to where [`Self::slice`] took it from, in zeros of `shape`: the gradient of a slice.
    pub fn slice_backward(shape: &[usize], ranges: &[SliceRange], grad_y: &Self) -> Result<Self> {
        let gradient = Gradient::Slice { shape: shape.to_vec(), ranges: ranges.to_vec() };
        Self::run_one(&Op::Gradient(gradient), &[grad_y])
    }

    /// The tensors one behind the other along `axis`.
    pub fn concat(tensors: &[&Self], axis: usize) -> Result<Self> {
        Self::run_one(&Op::Concat { axis }, tensors)
    }

    /// The parts along `axis` whose extents are `parts`, which together are the axis: the inverse of [`Self::concat`].
    pub fn split(&self, axis: usize, parts: &[usize]) -> Result<Vec<Self>> {
        Self::run(&Op::Split { axis, parts: parts.to_vec() }, &[self])
    }

    /// Surrounds the tensor with `value`: `padding[axis]` elements before and behind.
    pub fn pad(&self, padding: &[(usize, usize)], value: f32) -> Result<Self> {
        Self::run_one(&Op::Pad { padding: padding.to_vec(), value }, &[self])
    }

    /// The tensor repeated along broadcast axes, as a copy.
    pub fn expand(&self, shape: &[usize]) -> Result<Self> {
        Self::run_one(&Op::Expand(shape.to_vec()), &[self])
    }
}

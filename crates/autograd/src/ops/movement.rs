//! Reshape, permute, slice, concat, split, pad, expand, resize.

use tilewright_ops::{Op, Resize2d, SliceRange, TapTable, reshape_shape};
use tilewright_tensor::composite::Operand;

use crate::{error::Result, var::Var};

impl Var {
    /// The same elements under another shape; one extent may be −1.
    pub fn reshape(&self, shape: &[isize]) -> Result<Self> {
        Self::run_one(&Op::Reshape(reshape_shape(self.shape(), shape)?), &[self])
    }

    /// Merges all axes from `first` on.
    pub fn flatten(&self, first: usize) -> Result<Self> {
        let mut shape: Vec<usize> = self.shape().iter().take(first).copied().collect();
        shape.push(self.shape().iter().skip(first).product());
        Self::run_one(&Op::Reshape(shape), &[self])
    }

    /// The axes in another order.
    pub fn permute(&self, axes: &[usize]) -> Result<Self> {
        Self::run_one(&Op::Permute(axes.to_vec()), &[self])
    }

    /// A box of each axis.
    pub fn slice(&self, ranges: &[SliceRange]) -> Result<Self> {
        Self::run_one(&Op::Slice(ranges.to_vec()), &[self])
    }

    /// The variables one behind the other along `axis`.
    pub fn concat(vars: &[&Self], axis: usize) -> Result<Self> {
        Self::run_one(&Op::Concat { axis }, vars)
    }

    /// The parts along `axis` whose extents are `parts`, which together are the axis.
    pub fn split(&self, axis: usize, parts: &[usize]) -> Result<Vec<Self>> {
        Self::run(&Op::Split { axis, parts: parts.to_vec() }, &[self])
    }

    /// Surrounds the variable with `value`.
    pub fn pad(&self, padding: &[(usize, usize)], value: f32) -> Result<Self> {
        Self::run_one(&Op::Pad { padding: padding.to_vec(), value }, &[self])
    }

    /// The variable repeated along broadcast axes.
    pub fn expand(&self, shape: &[usize]) -> Result<Self> {
        Self::run_one(&Op::Expand(shape.to_vec()), &[self])
    }

    /// N C H W resized. Saves nothing but the shape.
    pub fn resize2d(&self, op: &Resize2d) -> Result<Self> {
        let [_, _, height, width] = self.tensor().shape4("resample", "x")?;
        self.resample_by(op.tables([height, width])?)
    }

    /// The last two of four axes drawn anew by tables. Saves nothing but the transposed tables.
    pub fn resample_by(&self, [rows, columns]: [TapTable; 2]) -> Result<Self> {
        self.tensor().shape4("resample", "x")?;
        Operand::resampled(self, 2, [&rows, &columns])
    }
}

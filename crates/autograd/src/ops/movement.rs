//! Reshape, permute, slice, concat, pad, expand.

use tilewright_ops::{Resize2d, SliceRange, TapTable};
use tilewright_tensor::Tensor;

use crate::{Result, Var};

fn extents(shape: &[usize]) -> Vec<isize> {
    shape.iter().map(|&extent| extent as isize).collect()
}

impl Var {
    /// The same elements under another shape; one extent may be −1.
    pub fn reshape(&self, shape: &[isize]) -> Result<Self> {
        let y = self.tensor().reshape(shape)?;
        let own = extents(self.shape());
        Ok(Self::custom("reshape", &[self], y, move |grad_y, _| Ok(vec![Some(grad_y.reshape(&own)?)])))
    }

    /// Merges all axes from `first` on.
    pub fn flatten(&self, first: usize) -> Result<Self> {
        let y = self.tensor().flatten(first)?;
        let own = extents(self.shape());
        Ok(Self::custom("flatten", &[self], y, move |grad_y, _| Ok(vec![Some(grad_y.reshape(&own)?)])))
    }

    /// The axes in another order.
    pub fn permute(&self, axes: &[usize]) -> Result<Self> {
        let y = self.tensor().permute(axes)?;
        let mut back = vec![0; axes.len()];
        for (at, &axis) in axes.iter().enumerate() {
            back[axis] = at;
        }
        Ok(Self::custom("permute", &[self], y, move |grad_y, _| Ok(vec![Some(grad_y.permute(&back)?)])))
    }

    /// A box of each axis.
    pub fn slice(&self, ranges: &[SliceRange]) -> Result<Self> {
        let y = self.tensor().slice(ranges)?;
        let (shape, ranges) = (self.shape().to_vec(), ranges.to_vec());
        Ok(Self::custom("slice", &[self], y, move |grad_y, _| {
            Ok(vec![Some(Tensor::slice_backward(&shape, &ranges, grad_y)?)])
        }))
    }

    /// The variables one behind the other along `axis`.
    pub fn concat(vars: &[&Self], axis: usize) -> Result<Self> {
        let tensors: Vec<_> = vars.iter().map(|var| var.tensor()).collect();
        let y = Tensor::concat(&tensors, axis)?;
        let parts: Vec<_> = vars.iter().map(|var| var.shape()[axis]).collect();
        Ok(Self::custom("concat", vars, y, move |grad_y, needs| {
            let mut ranges: Vec<_> = grad_y.shape().iter().map(|&extent| SliceRange::full(extent)).collect();
            let mut at = 0;
            let mut gradients = Vec::with_capacity(parts.len());
            for (part, &wanted) in parts.iter().zip(needs) {
                ranges[axis] = SliceRange::new(at, at + part);
                gradients.push(wanted.then(|| grad_y.slice(&ranges)).transpose()?);
                at += part;
            }
            Ok(gradients)
        }))
    }

    /// Surrounds the variable with `value`.
    pub fn pad(&self, padding: &[(usize, usize)], value: f32) -> Result<Self> {
        let y = self.tensor().pad(padding, value)?;
        let ranges: Vec<_> = padding
            .iter()
            .zip(self.shape())
            .map(|(&(before, _), &extent)| SliceRange::new(before, before + extent))
            .collect();
        Ok(Self::custom("pad", &[self], y, move |grad_y, _| Ok(vec![Some(grad_y.slice(&ranges)?)])))
    }

    /// The variable repeated along broadcast axes.
    pub fn expand(&self, shape: &[usize]) -> Result<Self> {
        let y = self.tensor().expand(shape)?;
        let own = self.shape().to_vec();
        Ok(Self::custom("expand", &[self], y, move |grad_y, _| Ok(vec![Some(grad_y.sum_to_shape(&own)?)])))
    }

    /// N C H W resized. Saves nothing but the shape.
    pub fn resize2d(&self, op: &Resize2d) -> Result<Self> {
        let [_, _, height, width] = self.tensor().shape4("resample", "x")?;
        self.resample_by(op.tables([height, width])?)
    }

    /// The last two of four axes drawn anew by tables. Saves nothing but the transposed tables.
    pub fn resample_by(&self, tables: [TapTable; 2]) -> Result<Self> {
        let [_, _, height, width] = self.tensor().shape4("resample", "x")?;
        let y = self.tensor().resample_by(&tables)?;
        let back = [tables[0].transposed(height), tables[1].transposed(width)];
        Ok(Self::custom("resample", &[self], y, move |grad_y, _| Ok(vec![Some(grad_y.resample_by(&back)?)])))
    }
}

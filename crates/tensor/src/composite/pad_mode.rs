//! Borders made of what is there.

use tilewright_ops::BorderMode;

use super::operand::{Operand, parameter};
use super::resample_axes::resample_axes;
use crate::error::Error;
use crate::tensor::Tensor;

/// x with a border of `padding[axis]` elements before and behind, made as `mode` says.
pub fn pad_mode<V: Operand>(x: &V, padding: &[(usize, usize)], mode: BorderMode) -> Result<V, V::Error> {
    if padding.len() != x.shape().len() {
        let hint = "there must be one pair for each axis";
        return Err(parameter::<V>("pad_mode", "padding", format!("{padding:?}"), hint));
    }
    let mut tables = Vec::with_capacity(padding.len());
    for (&extent, &(before, behind)) in x.shape().iter().zip(padding) {
        let wanted = (before, behind) != (0, 0);
        let table = wanted.then(|| mode.table(extent, before, behind)).transpose();
        tables.push(table.map_err(super::operand::fails::<V>)?);
    }
    if tables.iter().all(Option::is_none) {
        return Ok(x.clone());
    }
    resample_axes(x, &tables)
}

impl Tensor {
    /// `padding[axis]` elements before and behind each axis, made of what is there: `torch.nn.functional.pad` with the
    /// modes `reflect`, `replicate` and `circular`, of any axes.
    ///
    /// # Errors
    /// [`tilewright_ops::ShapeError::Parameter`] without a pair for each axis, and for a border that the mode cannot make:
    /// see [`BorderMode::table`].
    pub fn pad_mode(&self, padding: &[(usize, usize)], mode: BorderMode) -> Result<Self, Error> {
        pad_mode(self, padding, mode)
    }
}

//! Any axes drawn anew by tables of weights.

use tilewright_ops::TapTable;

use super::operand::{Operand, parameter};
use crate::error::Error;
use crate::tensor::Tensor;

const OP: &str = "resample_axes";

/// The longest axis that is drawn: a table's indices are held as f32.
pub const MOST_PLACES: usize = 1 << 20;

/// Each axis that has a table drawn anew by it, neighbours together.
pub fn resample_axes<V: Operand>(x: &V, tables: &[Option<TapTable>]) -> Result<V, V::Error> {
    if tables.len() != x.shape().len() {
        let hint = "there must be one entry for each axis";
        return Err(parameter::<V>(OP, "tables", tables.len(), hint));
    }
    // A single axis needs a neighbour.
    let single = x.shape().len() == 1;
    let mut y = if single { x.reshape(&[1, -1])? } else { x.clone() };
    let mut tables = tables.to_vec();
    if single {
        tables.insert(0, None);
    }
    if let Some(&extent) = y.shape().iter().find(|&&extent| extent > MOST_PLACES) {
        return Err(parameter::<V>(OP, "extent", extent, "an axis may have at most 2^20 elements"));
    }
    let mut axis = 0;
    while axis < tables.len() {
        if tables[axis].is_none() {
            axis += 1;
            continue;
        }
        let first = axis.min(tables.len().saturating_sub(2));
        let table = |at: usize| {
            // What is before this axis has been drawn already.
            let table = tables[at].as_ref().filter(|_| at >= axis);
            table.map_or_else(|| TapTable::identity(y.shape()[at]), TapTable::clone)
        };
        let [rows, columns] = [table(first), table(first + 1)];
        y = y.resampled(first, [&rows, &columns])?;
        axis = first + 2;
    }
    if single { y.reshape(&[-1]) } else { Ok(y) }
}

impl Tensor {
    /// Each axis that has a table drawn anew by it, neighbours together, as [`Tensor::resample`] does two: resizing and
    /// mirrored borders of any axes.
    ///
    /// # Errors
    /// [`tilewright_ops::ShapeError::Parameter`] without an entry for each axis and for an axis of more than [`MOST_PLACES`] elements;
    /// those of [`Tensor::resample`].
    pub fn resample_axes(&self, tables: &[Option<TapTable>]) -> Result<Self, Error> {
        resample_axes(self, tables)
    }
}

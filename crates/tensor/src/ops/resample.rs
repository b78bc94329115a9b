//! Axes drawn anew: resizing by tables.

use tilewright_ops::{Op, Resize2d, TapTable};

use crate::{error::Result, tensor::Tensor};

/// The most taps of a place that are drawn in one pass over both axes: those of a cubic.
const MOST_TAPS: usize = 16;

impl Tensor {
    /// The axes `axis` and `axis + 1` drawn anew: place i of the result is the sum of the elements that row i of the
    /// table names, times their weights. Tables have shape `[places, taps, 2]`, as [`Self::tap_table`] makes them; an
    /// index outside the axis is held at its edge.
    ///
    /// # Errors
    /// Those of [`tilewright_ops::resample_shape`].
    pub fn resample(&self, axis: usize, rows: &Self, columns: &Self) -> Result<Self> {
        Self::run_one(&Op::Resample { axis }, &[self, rows, columns])
    }

    /// N C H W resized: `torch.nn.functional.interpolate`.
    ///
    /// # Errors
    /// Those of [`Resize2d::tables`]; a shape error without four axes.
    pub fn resize2d(&self, op: &Resize2d) -> Result<Self> {
        let [_, _, height, width] = self.shape4("resample", "x")?;
        self.resample_by(&op.tables([height, width])?)
    }

    /// [`Self::resample`] of the last two of four axes by tables of the host.
    pub fn resample_by(&self, [rows, columns]: &[TapTable; 2]) -> Result<Self> {
        self.shape4("resample", "x")?;
        self.resample_tables(2, [rows, columns])
    }

    /// [`Self::resample`] by tables of the host.
    ///
    /// # Errors
    /// As [`Self::resample`].
    pub fn resample_tables(&self, axis: usize, [rows, columns]: [&TapTable; 2]) -> Result<Self> {
        let table = |table: &TapTable| Self::tap_table(self.context(), table);
        if rows.taps().saturating_mul(columns.taps()) <= MOST_TAPS {
            return self.resample(axis, &table(rows)?, &table(columns)?);
        }
        // An antialiased place draws on many elements: one axis after the other then reads far fewer.
        let width = self.shape().get(axis.saturating_add(1)).copied().unwrap_or(0);
        let y = self.resample(axis, &table(rows)?, &table(&TapTable::identity(width))?)?;
        y.resample(axis, &table(&TapTable::identity(rows.len()))?, &table(columns)?)
    }

    /// A table for [`Self::resample`].
    pub fn tap_table(context: &tilewright_runtime::Context, table: &TapTable) -> Result<Self> {
        let shape = [table.len(), table.taps(), 2];
        Self::from_slice(context, table.entries().as_flattened(), &shape)
    }
}

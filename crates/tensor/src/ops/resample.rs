//! Axes drawn anew: resizing by tables, and elements by index.

use tilewright_kernels::movement::{self, Resample};
use tilewright_ops::{DType, Op, Resize2d, TapTable, gather_shape, resample_shape};

use crate::{Error, Layout, Result, Tensor, trace};

impl Tensor {
    /// The axes `axis` and `axis + 1` drawn anew: place i of the result is the sum of the elements that row i of the
    /// table names, times their weights. Tables have shape `[places, taps, 2]`, as [`Self::tap_table`] makes them; an
    /// index outside the axis is held at its edge.
    ///
    /// # Errors
    /// Those of [`resample_shape`].
    pub fn resample(&self, axis: usize, rows: &Self, columns: &Self) -> Result<Self> {
        let op = "resample";
        self.require_f32(op, "x")?;
        for (operand, table) in [("rows", rows), ("columns", columns)] {
            table.require_f32(op, operand)?;
            self.require_same_context(op, table)?;
        }
        let shape = resample_shape(self.shape(), axis, rows.shape(), columns.shape())?;
        if let Some(y) = trace::step(|| Op::Resample { axis }, &[self, rows, columns]) {
            return y;
        }
        let last = self.layout() == Layout::ChannelsLast && axis == 2;
        let x = if last { self.clone() } else { self.to_layout(Layout::RowMajor)? };
        let y = Self::empty(self.context(), &shape, DType::F32, x.layout())?;
        if y.count() == 0 {
            return Ok(y);
        }
        let extents = |shape: &[usize]| [shape[axis], shape[axis + 1]];
        let (outer, inner) = if last {
            (shape[0], shape[1])
        } else {
            (shape[..axis].iter().product(), shape[axis + 2..].iter().product())
        };
        let taps = [rows.shape()[1], columns.shape()[1]];
        let sizes = Resample { outer, x: extents(self.shape()), y: extents(&shape), inner, taps };
        let tables = (rows.buffer(), columns.buffer());
        movement::resample(self.context(), &sizes, x.buffer(), tables.0, tables.1, y.buffer())?;
        Ok(y)
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
        let context = self.context();
        self.resample(2, &Self::tap_table(context, rows)?, &Self::tap_table(context, columns)?)
    }

    /// A table for [`Self::resample`].
    pub fn tap_table(context: &tilewright_runtime::Context, table: &TapTable) -> Result<Self> {
        let shape = [table.len(), table.taps(), 2];
        Self::from_slice(context, table.entries().as_flattened(), &shape)
    }

    /// The elements of `axis` at `indices` (i32), whose axes take its place: ONNX's Gather, `torch.index_select` for one
    /// axis of indices. A negative index counts from the back; one that is outside the axis gives 0.
    ///
    /// # Errors
    /// Those of [`gather_shape`]; [`Error::DType`] for other indices, and for f16 elements.
    pub fn gather(&self, axis: usize, indices: &Self) -> Result<Self> {
        let op = "gather";
        indices.require_dtype(op, "indices", DType::I32)?;
        self.require_same_context(op, indices)?;
        if self.dtype() == DType::F16 {
            let (operand, found) = ("x", self.dtype());
            return Err(Error::DType { op, operand, found, expected: "of four bytes" });
        }
        let shape = gather_shape(self.shape(), axis, indices.shape())?;
        if let Some(y) = trace::step(|| Op::Gather { axis }, &[self, indices]) {
            return y;
        }
        let (x, indices) = (self.to_layout(Layout::RowMajor)?, indices.to_layout(Layout::RowMajor)?);
        let y = Self::empty(self.context(), &shape, self.dtype(), Layout::RowMajor)?;
        if y.count() > 0 {
            let product = |part: &[usize]| part.iter().product::<usize>();
            let sizes = [product(&self.shape()[..axis]), indices.count(), product(&self.shape()[axis + 1..])];
            let (from, by) = (x.buffer(), indices.buffer());
            movement::gather(self.context(), from, by, y.buffer(), sizes, self.shape()[axis])?;
        }
        Ok(y)
    }
}

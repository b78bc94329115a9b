//! `resample`.

use tilewright_runtime::{Buffer, Context, Dispatch, Error, Result};
use tilewright_shaders::Specialisation;

use crate::base::{
    numbers::{WORKGROUP, to_u32, workgroups},
    params::{ParamsLayout, params},
};

params! { Params for "resample" {
    count: u32,
    inner: u32,
    rows: u32,
    columns: u32,
    x_rows: u32,
    x_columns: u32,
    row_taps: u32,
    column_taps: u32,
} }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT];

/// The shape of a resampling: what is before the two axes, the axes, and what is behind them, all merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resample {
    /// Elements before the two axes.
    pub outer: usize,
    /// The axes in x.
    pub x: [usize; 2],
    /// The axes in y.
    pub y: [usize; 2],
    /// Elements behind the two axes.
    pub inner: usize,
    /// Entries of the tables for each place.
    pub taps: [usize; 2],
}

/// Draws two neighbouring axes of a dense f32 tensor anew by a table for each.
pub fn resample(
    context: &Context,
    shape: &Resample,
    x: &Buffer,
    rows: &Buffer,
    columns: &Buffer,
    y: &Buffer,
) -> Result<()> {
    let op = "resample";
    let width = if shape.inner.is_multiple_of(4) { 4 } else { 1 };
    let inner = shape.inner / width;
    // Mesa before 23 stops the loops of a shader after 65,535 turns in all, silently.
    let turns = shape.taps[0].saturating_mul(shape.taps[1] + 1);
    if turns > 65_000 {
        let (op, what) = (op.to_owned(), "pairs of taps for a place");
        let detail = "resample one axis after the other".to_owned();
        return Err(Error::Limit { op, what, needed: turns as u64, limit: 65_000, detail });
    }
    // What x has must be countable too.
    to_u32(op, shape.outer * shape.x[0] * shape.x[1] * inner)?;
    let params = Params {
        count: to_u32(op, shape.outer * shape.y[0] * shape.y[1] * inner)?,
        inner: to_u32(op, inner)?,
        rows: to_u32(op, shape.y[0])?,
        columns: to_u32(op, shape.y[1])?,
        x_rows: to_u32(op, shape.x[0])?,
        x_columns: to_u32(op, shape.x[1])?,
        row_taps: to_u32(op, shape.taps[0])?,
        column_taps: to_u32(op, shape.taps[1])?,
    };
    let kernel = Specialisation::new("resample")
        .with_u32("WORKGROUP", WORKGROUP)
        .with_type("T", if width == 4 { "vec4<f32>" } else { "f32" });
    let groups = workgroups(params.count);
    let buffers = &[x, rows, columns, y];
    context.dispatch(&kernel, &Dispatch { op, params: bytemuck::bytes_of(&params), buffers, groups })
}

//! `sum_rows`: global average pooling, and the last step of other sums over rows.

use tilewright_runtime::{Buffer, Context, Dispatch, Result};

use super::window::{kernel, value_width};
use crate::base::{
    coarsening::Coarsening,
    numbers::{to_u32, workgroups},
    params::{ParamsLayout, params},
};

params! { Params for "sum_rows" {
    rows: u32,
    chunk: u32,
    chunks: u32,
    channels: u32,
    count: u32,
    scale: f32,
} }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT];

/// Rows that one thread adds up where there are enough threads; more are split, for speed and for a small error.
const LONG: usize = 256;
/// Below so many threads in all, rows are split sooner.
const BUSY: usize = 4096;

/// How many rows a thread adds up so that few outputs still keep a device busy.
fn chunk_of(rows: usize, threads: usize) -> usize {
    let single = if threads >= BUSY { LONG } else { 64 };
    if rows <= single {
        return rows;
    }
    // Two passes of equal length: neither is long.
    rows.isqrt().clamp(32, LONG)
}

/// `y[b, c] = scale · Σ x[b, r, c]` over all rows r; x is `[batch, rows, channels]` and y `[batch, channels]`. Long sums
/// go through partial ones.
pub fn sum_rows(
    context: &Context,
    op: &str,
    [batch, rows, channels]: [usize; 3],
    scale: f32,
    x: &Buffer,
    y: &Buffer,
) -> Result<()> {
    let width = value_width(channels);
    let coarsening = Coarsening::of(context);
    let columns = coarsening.kept_columns(to_u32(op, channels / width)?);
    let kernel = kernel("sum_rows", channels)
        .with_u32("LANES", coarsening.lanes)
        .with_u32("COLUMNS", columns)
        .with_u32("BLOCK", 4 / columns);
    let (mut from, mut rows) = (x.clone(), rows);
    loop {
        let chunk = chunk_of(rows, batch * channels / width);
        let chunks = rows.div_ceil(chunk.max(1)).max(1);
        let last = chunks == 1;
        let to = if last { y.clone() } else { context.alloc((batch * chunks * channels * 4) as u64)? };
        to_u32(op, batch * rows * channels)?;
        let count = to_u32(op, batch * chunks * (channels / width / columns as usize))?;
        let params = Params {
            rows: to_u32(op, rows)?,
            chunk: to_u32(op, chunk)?,
            chunks: to_u32(op, chunks)?,
            channels: to_u32(op, channels / width)?,
            count,
            scale: if last { scale } else { 1.0 },
        };
        let dispatch = Dispatch {
            op,
            params: bytemuck::bytes_of(&params),
            buffers: &[&from, &to],
            groups: workgroups(count),
        };
        context.dispatch(&kernel, &dispatch)?;
        if last {
            return Ok(());
        }
        (from, rows) = (to, chunks);
    }
}

#[cfg(test)]
mod tests {
    use super::chunk_of;

    #[test]
    fn sums_end_and_no_thread_adds_long() {
        for threads in [1, 100, 1 << 20] {
            for rows in [1, 49, 64, 65, 256, 257, 3136, 65_536, 1 << 24, 1 << 31] {
                let (mut left, mut passes) = (rows, 0);
                while left > 1 {
                    let chunk = chunk_of(left, threads);
                    assert!(chunk > 1 && chunk <= 256, "{rows} rows, {threads} threads: chunk {chunk}");
                    left = left.div_ceil(chunk);
                    passes += 1;
                }
                assert!(passes <= 5, "{rows} rows, {threads} threads: {passes} passes");
            }
        }
    }
}

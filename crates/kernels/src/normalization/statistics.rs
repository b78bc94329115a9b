//! `batch_norm_statistics`, `batch_norm_merge` and `batch_norm_finish`: mean and variance of a batch.

use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use super::rows::Rows;
use crate::base::{
    coarsening::Coarsening,
    numbers::{WORKGROUP, to_u32, workgroups},
    params::{ParamsLayout, params},
};

params! { StatisticsParams for "batch_norm_statistics" {
    count: u32,
    step: u32,
    rows: u32,
    whole_rows: u32,
    chunk: u32,
    plane: u32,
} }

params! { MergeParams for "batch_norm_merge" { channels: u32, rows: u32, chunk: u32, threads: u32 } }

params! { FinishParams for "batch_norm_finish" {
    channels: u32,
    rows: u32,
    eps: f32,
    momentum: f32,
    zero: u32,
} }

pub(super) const LAYOUTS: &[ParamsLayout] =
    &[StatisticsParams::LAYOUT, MergeParams::LAYOUT, FinishParams::LAYOUT];

const OP: &str = "batch_norm_train";
/// Partial rows that one thread of the last pass may merge.
const LAST: usize = 64;

/// Running statistics before a batch, each `[C]`.
#[derive(Clone, Copy, Debug)]
pub struct Running<'a> {
    /// The mean.
    pub mean: &'a Buffer,
    /// The variance.
    pub variance: &'a Buffer,
}

/// Where the statistics of a batch go, each `[C]`.
#[derive(Clone, Copy, Debug)]
pub struct Statistics<'a> {
    /// The batch's mean, rounded.
    pub mean: &'a Buffer,
    /// What that is short of the mean.
    pub rest: &'a Buffer,
    /// 1 / √(biased variance + eps).
    pub inv_std: &'a Buffer,
    /// The running mean after the batch.
    pub running_mean: &'a Buffer,
    /// The running variance after the batch.
    pub running_variance: &'a Buffer,
}

/// The statistics of x, a matrix `[pixels, channels]` with at least two pixels.
pub fn batch_norm_statistics(
    context: &Context,
    [pixels, channels]: [usize; 2],
    eps: f32,
    momentum: f32,
    x: &Buffer,
    running: Running<'_>,
    to: Statistics<'_>,
) -> Result<()> {
    let coarsening = Coarsening::of(context);
    let rows = Rows::new(OP, pixels, channels, coarsening)?;
    let (chunk, chunks) = rows.chunks(coarsening.threads);
    let plane = chunks * rows.step;
    let mut partials = planes(context, plane as usize * 4)?;
    let params = StatisticsParams {
        count: rows.count,
        step: rows.step,
        rows: rows.rows,
        whole_rows: rows.whole_rows,
        chunk,
        plane,
    };
    // With 8 vec4s in flight a CPU is a tenth slower than with 4, and compiles half as long again.
    let in_flight = if rows.compact { 4 } else { 8 };
    let kernel_of_chunks = rows
        .constants(Specialisation::new("batch_norm_statistics"))
        .with_u32("BLOCK", (in_flight / rows.columns).max(1));
    let dispatch = Dispatch {
        op: OP,
        params: bytemuck::bytes_of(&params),
        buffers: &[x, &partials],
        groups: workgroups(rows.threads(OP, chunks)?),
    };
    context.dispatch(&kernel_of_chunks, &dispatch)?;

    // A channel to a thread: by vec4 these few numbers would only take longer to compile.
    let kernel = |stem| Specialisation::new(stem).with_u32("WORKGROUP", WORKGROUP);
    let values = to_u32(OP, channels)?;
    let mut left = chunks as usize * rows.per_row();
    while left > LAST {
        let chunk = left.isqrt().clamp(8, LAST);
        let merged_rows = left.div_ceil(chunk);
        let merged = planes(context, merged_rows * channels)?;
        let threads = to_u32(OP, merged_rows)? * values;
        let params =
            MergeParams { channels: values, rows: to_u32(OP, left)?, chunk: to_u32(OP, chunk)?, threads };
        let dispatch = Dispatch {
            op: OP,
            params: bytemuck::bytes_of(&params),
            buffers: &[&partials, &merged],
            groups: workgroups(threads),
        };
        context.dispatch(&kernel("batch_norm_merge"), &dispatch)?;
        (partials, left) = (merged, merged_rows);
    }

    let params = FinishParams { channels: values, rows: to_u32(OP, left)?, eps, momentum, zero: 0 };
    let dispatch = Dispatch {
        op: OP,
        params: bytemuck::bytes_of(&params),
        buffers: &[
            &partials,
            running.mean,
            running.variance,
            to.mean,
            to.inv_std,
            to.running_mean,
            to.running_variance,
            to.rest,
        ],
        groups: workgroups(values),
    };
    context.dispatch(&kernel("batch_norm_finish"), &dispatch)
}

/// Room for counts, means, M2s and pivots of `elements` partial statistics.
fn planes(context: &Context, elements: usize) -> Result<Buffer> {
    to_u32(OP, elements.saturating_mul(4))?;
    context.alloc(elements as u64 * 16)
}

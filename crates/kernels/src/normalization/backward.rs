//! `batch_norm_backward_reduce`, `sum_rows` and `batch_norm_backward_apply`: the gradients.

use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use super::{ROWS, Rows, Spread};
use crate::{ParamsLayout, WORKGROUP, groups, params::params, pooling::sum_rows, to_u32};

params! { ReduceParams for "batch_norm_backward_reduce" {
    count: u32,
    step: u32,
    rows: u32,
    whole_rows: u32,
    chunk: u32,
    threads: u32,
    channels: u32,
    eps: f32,
} }

params! { ApplyParams for "batch_norm_backward_apply" {
    vectors: u32,
    step: u32,
    channels: u32,
    eps: f32,
    share: f32,
    pad: u32,
} }

pub(super) const LAYOUTS: &[ParamsLayout] = &[ReduceParams::LAYOUT, ApplyParams::LAYOUT];

/// Where the gradients go.
#[derive(Clone, Copy, Debug)]
pub struct Grads<'a> {
    /// Of x, `[pixels, channels]`.
    pub x: &'a Buffer,
    /// Of the weight, `[channels]`.
    pub weight: &'a Buffer,
    /// Of the bias, `[channels]`.
    pub bias: &'a Buffer,
}

/// The gradients of x (`[pixels, channels]`), weight and bias. With `train`, mean and variance depend on x; else they are
/// constants. `op` names the operation in errors and profiles.
pub fn batch_norm_backward(
    context: &Context,
    op: &str,
    [pixels, channels]: [usize; 2],
    train: bool,
    x: &Buffer,
    mean: &Buffer,
    spread: Spread<'_>,
    weight: &Buffer,
    grad_y: &Buffer,
    to: Grads<'_>,
) -> Result<()> {
    let rows = Rows::new(op, pixels, channels)?;
    let (spread, eps, from_variance) = spread.parts();
    let (chunk, chunks) = rows.chunks();
    let threads = chunks * rows.step;
    let bias_sums = context.alloc(u64::from(threads) * 16)?;
    let weight_sums = context.alloc(u64::from(threads) * 16)?;
    let params = ReduceParams {
        count: rows.count,
        step: rows.step,
        rows: rows.rows,
        whole_rows: rows.whole_rows,
        chunk,
        threads,
        channels: rows.channels,
        eps,
    };
    let kernel = Specialisation::new("batch_norm_backward_reduce")
        .with_u32("WORKGROUP", WORKGROUP)
        .with_bool("FROM_VARIANCE", from_variance);
    let dispatch = Dispatch {
        op,
        params: bytemuck::bytes_of(&params),
        buffers: &[x, grad_y, mean, spread, &bias_sums, &weight_sums],
        groups: groups(threads),
    };
    context.dispatch(&kernel, &dispatch)?;
    let partials = [1, chunks as usize * rows.per_row(), channels];
    sum_rows(context, op, partials, 1.0, &bias_sums, to.bias)?;
    sum_rows(context, op, partials, 1.0, &weight_sums, to.weight)?;

    let params = ApplyParams {
        vectors: rows.vectors,
        step: rows.step,
        channels: rows.channels,
        eps,
        share: 1.0 / pixels as f32,
        pad: 0,
    };
    let kernel = Specialisation::new("batch_norm_backward_apply")
        .with_u32("WORKGROUP", WORKGROUP)
        .with_u32("ROWS", ROWS)
        .with_bool("TRAIN", train)
        .with_bool("FROM_VARIANCE", from_variance);
    let threads = to_u32(op, rows.rows.div_ceil(ROWS) as usize * rows.step as usize)?;
    let dispatch = Dispatch {
        op,
        params: bytemuck::bytes_of(&params),
        buffers: &[x, grad_y, mean, spread, weight, to.weight, to.bias, to.x],
        groups: groups(threads),
    };
    context.dispatch(&kernel, &dispatch)
}

//! `batch_norm_backward_reduce`, `sum_rows`, `batch_norm_backward_finish` and `batch_norm_backward_apply`: the gradients.

use tilewright_ops::UnaryOp;
use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use super::{call::BatchNormLaunch, rows::Rows};
use crate::{
    base::{
        coarsening::Coarsening,
        numbers::{WORKGROUP, workgroups},
        params::{ParamsLayout, params},
    },
    pooling::sum_rows::sum_rows,
};

params! { ReduceParams for "batch_norm_backward_reduce" {
    count: u32,
    step: u32,
    rows: u32,
    whole_rows: u32,
    chunk: u32,
    plane: u32,
    channels: u32,
    eps: f32,
    p0: f32,
    p1: f32,
} }

params! { FinishParams for "batch_norm_backward_finish" { channels: u32, eps: f32, per_pixel: f32 } }

params! { ApplyParams for "batch_norm_backward_apply" {
    vectors: u32,
    step: u32,
    channels: u32,
    p0: f32,
    p1: f32,
} }

pub(super) const LAYOUTS: &[ParamsLayout] =
    &[ReduceParams::LAYOUT, FinishParams::LAYOUT, ApplyParams::LAYOUT];

/// Where the gradients go.
#[derive(Clone, Copy, Debug)]
pub struct Grads<'a> {
    /// Of x, `[pixels, channels]`; it may be the buffer of the gradient that comes in.
    pub x: &'a Buffer,
    /// Of the weight, `[channels]`.
    pub weight: &'a Buffer,
    /// Of the bias, `[channels]`.
    pub bias: &'a Buffer,
}

/// The activation whose derivative the kernels compute: none and ReLU are leaky ReLUs of slope 1 and 0, so that a network
/// compiles one kernel for both.
fn piecewise(activation: Option<UnaryOp>) -> UnaryOp {
    match activation {
        None => UnaryOp::LeakyRelu { slope: 1.0 },
        Some(UnaryOp::Relu) => UnaryOp::LeakyRelu { slope: 0.0 },
        Some(other) => other,
    }
}

/// The gradients of x, weight and bias through `batch_norm` with `call`. With `train`, mean and variance depend on
/// x; else they are constants. `grad_y` is the gradient behind the activation.
pub fn batch_norm_backward(
    context: &Context,
    call: &BatchNormLaunch<'_>,
    train: bool,
    grad_y: &Buffer,
    to: Grads<'_>,
) -> Result<()> {
    let BatchNormLaunch { op, dims: [pixels, channels], x, mean, deviation, weight, bias, activation } =
        *call;
    let coarsening = Coarsening::of(context);
    let rows = Rows::new(op, pixels, channels, coarsening)?;
    let (deviation, rest, eps, from_variance) = deviation.parts();
    let activation = piecewise(activation);
    let [p0, p1] = activation.parameters();
    let with_slot = |kernel: Specialisation| kernel.with_fragment("unary_derivative", activation.name());

    let (chunk, chunks) = rows.chunks(coarsening.threads);
    let plane = chunks * rows.step;
    let sums = context.alloc(u64::from(plane) * 32)?;
    let params = ReduceParams {
        count: rows.count,
        step: rows.step,
        rows: rows.rows,
        whole_rows: rows.whole_rows,
        chunk,
        plane,
        channels: rows.channels,
        eps,
        p0,
        p1,
    };
    let kernel = rows
        .channel_constants(Specialisation::new("batch_norm_backward_reduce"))
        .with_u32("BLOCK", (2 / rows.columns).max(1))
        .with_bool("FROM_VARIANCE", from_variance);
    let dispatch = Dispatch {
        op,
        params: bytemuck::bytes_of(&params),
        buffers: &[x, grad_y, mean, deviation, weight, bias, rest, &sums],
        groups: workgroups(rows.threads(op, chunks)?),
    };
    context.dispatch(&with_slot(kernel), &dispatch)?;
    let totals = context.alloc(channels as u64 * 8)?;
    let partials = [2, chunks as usize * rows.per_row(), channels];
    sum_rows(context, op, partials, 1.0, &sums, &totals)?;

    let of_channels = context.alloc(channels as u64 * 16)?;
    let params = FinishParams { channels: rows.channels, eps, per_pixel: 1.0 / pixels as f32 };
    let kernel = Specialisation::new("batch_norm_backward_finish")
        .with_u32("WORKGROUP", WORKGROUP)
        .with_bool("FROM_VARIANCE", from_variance);
    let dispatch = Dispatch {
        op,
        params: bytemuck::bytes_of(&params),
        buffers: &[&totals, rest, deviation, weight, bias, to.weight, to.bias, &of_channels],
        groups: workgroups(rows.channels),
    };
    context.dispatch(&kernel, &dispatch)?;

    let in_place = grad_y.same(to.x);
    let params = ApplyParams { vectors: rows.vectors, step: rows.step, channels: rows.channels, p0, p1 };
    let kernel = rows
        .channel_constants(Specialisation::new("batch_norm_backward_apply"))
        .with_u32("ROWS", coarsening.rows)
        .with_bool("TRAIN", train)
        .with_bool("IN_PLACE", in_place);
    let threads = rows.threads(op, rows.rows.div_ceil(coarsening.rows))?;
    let dispatch = Dispatch {
        op,
        params: bytemuck::bytes_of(&params),
        buffers: &[x, if in_place { x } else { grad_y }, &of_channels, mean, to.x],
        groups: workgroups(threads),
    };
    context.dispatch(&with_slot(kernel), &dispatch)
}

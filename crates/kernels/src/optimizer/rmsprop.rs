//! `rmsprop`.

use tilewright_ops::RmsProp;
use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use crate::base::{
    coarsening::Coarsening,
    numbers::vectors,
    params::{ParamsLayout, params},
};

params! { Params for "rmsprop" {
    vectors: u32,
    centered: u32,
    moves: u32,
    lr: f32,
    alpha: f32,
    rest: f32,
    eps: f32,
    decay: f32,
    momentum: f32,
} }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT];

/// One step in place, on the parameter and its running means: of the `square`, centred of the gradient (`mean`), and with
/// momentum of the steps (`buffer`).
pub fn rmsprop(
    context: &Context,
    op: &RmsProp,
    gradient: &Buffer,
    parameter: &Buffer,
    square: &Buffer,
    mean: Option<&Buffer>,
    buffer: Option<&Buffer>,
    count: usize,
) -> Result<()> {
    let vectors = vectors("rmsprop", count)?;
    let (kernel, groups) = Coarsening::of(context).specialise(Specialisation::new("rmsprop"), vectors);
    let params = Params {
        vectors,
        centered: mean.is_some().into(),
        moves: buffer.is_some().into(),
        lr: op.lr,
        alpha: op.alpha,
        rest: (1.0 - f64::from(op.alpha)) as f32,
        eps: op.eps,
        decay: op.weight_decay,
        momentum: op.momentum,
    };
    // One vec4 each, which nobody touches: what is written may not be bound twice.
    let [no_mean, no_buffer] = [context.alloc(16)?, context.alloc(16)?];
    let [mean, buffer] = [mean.unwrap_or(&no_mean), buffer.unwrap_or(&no_buffer)];
    let dispatch = Dispatch {
        op: "rmsprop",
        params: bytemuck::bytes_of(&params),
        buffers: &[gradient, parameter, square, mean, buffer],
        groups,
    };
    context.dispatch(&kernel, &dispatch)
}

//! `sgd` and `sgd_momentum`.

use tilewright_ops::Sgd;
use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use crate::base::{
    coarsening::Coarsening,
    numbers::vectors,
    params::{ParamsLayout, params},
};

params! { Params for "sgd" { vectors: u32, lr: f32, weight_decay: f32 } }

params! { MomentumParams for "sgd_momentum" {
    vectors: u32,
    first: u32,
    nesterov: u32,
    lr: f32,
    momentum: f32,
    undampened: f32,
    weight_decay: f32,
} }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT, MomentumParams::LAYOUT];

/// One step in place, without momentum.
pub fn sgd(context: &Context, op: &Sgd, gradient: &Buffer, parameter: &Buffer, count: usize) -> Result<()> {
    let vectors = vectors("sgd", count)?;
    let (kernel, groups) = Coarsening::of(context).specialise(Specialisation::new("sgd"), vectors);
    let params = Params { vectors, lr: op.lr, weight_decay: op.weight_decay };
    let dispatch =
        Dispatch { op: "sgd", params: bytemuck::bytes_of(&params), buffers: &[gradient, parameter], groups };
    context.dispatch(&kernel, &dispatch)
}

/// One step in place, with momentum. At the `first` one the momentum `buffer` is only written.
pub fn sgd_momentum(
    context: &Context,
    op: &Sgd,
    gradient: &Buffer,
    parameter: &Buffer,
    buffer: &Buffer,
    first: bool,
    count: usize,
) -> Result<()> {
    let vectors = vectors("sgd", count)?;
    let (kernel, groups) = Coarsening::of(context).specialise(Specialisation::new("sgd_momentum"), vectors);
    let params = MomentumParams {
        vectors,
        first: first.into(),
        nesterov: op.nesterov.into(),
        lr: op.lr,
        momentum: op.momentum,
        undampened: 1.0 - op.dampening,
        weight_decay: op.weight_decay,
    };
    let dispatch = Dispatch {
        op: "sgd",
        params: bytemuck::bytes_of(&params),
        buffers: &[gradient, parameter, buffer],
        groups,
    };
    context.dispatch(&kernel, &dispatch)
}

//! `lamb` and `lamb_apply`.

use tilewright_ops::Lamb;
use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use crate::base::{
    coarsening::Coarsening,
    numbers::vectors,
    params::{ParamsLayout, params},
};

use super::moments::Moments;

params! { Params for "lamb" {
    vectors: u32,
    beta1: f32,
    rest1: f32,
    beta2: f32,
    rest2: f32,
    eps: f32,
    decay: f32,
    step: f32,
    root: f32,
} }

params! { ApplyParams for "lamb_apply" { vectors: u32, lr: f32 } }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT, ApplyParams::LAYOUT];

/// Both moments after step number `step` (the first is 1), in place, and the `direction` of the step.
pub fn lamb_direction(
    context: &Context,
    op: &Lamb,
    step: u32,
    gradient: &Buffer,
    parameter: &Buffer,
    moments: [&Buffer; 2],
    direction: &Buffer,
    count: usize,
) -> Result<()> {
    let vectors = vectors("lamb", count)?;
    let (kernel, groups) = Coarsening::of(context).specialise(Specialisation::new("lamb"), vectors);
    let numbers = Moments::new(op.beta1, op.beta2, step);
    let params = Params {
        vectors,
        beta1: op.beta1,
        rest1: numbers.rest1,
        beta2: op.beta2,
        rest2: numbers.rest2,
        eps: op.eps,
        decay: op.weight_decay,
        step: numbers.step as f32,
        root: numbers.root,
    };
    let dispatch = Dispatch {
        op: "lamb",
        params: bytemuck::bytes_of(&params),
        buffers: &[gradient, parameter, moments[0], moments[1], direction],
        groups,
    };
    context.dispatch(&kernel, &dispatch)
}

/// The step along `direction`, in place; `norms` holds those of the parameter and of the direction.
pub fn lamb_apply(
    context: &Context,
    op: &Lamb,
    direction: &Buffer,
    parameter: &Buffer,
    norms: &Buffer,
    count: usize,
) -> Result<()> {
    let vectors = vectors("lamb", count)?;
    let (kernel, groups) = Coarsening::of(context).specialise(Specialisation::new("lamb_apply"), vectors);
    let params = ApplyParams { vectors, lr: op.lr };
    let dispatch = Dispatch {
        op: "lamb",
        params: bytemuck::bytes_of(&params),
        buffers: &[direction, parameter, norms],
        groups,
    };
    context.dispatch(&kernel, &dispatch)
}

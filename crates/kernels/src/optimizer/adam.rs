//! `adam` and `adam_amsgrad`.

use tilewright_ops::Adam;
use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use crate::base::{
    coarsening::Coarsening,
    numbers::vectors,
    params::{ParamsLayout, params},
};

use super::moments::Moments;

params! { Params for "adam", "adam_amsgrad" {
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

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT];

/// Step number `step` (the first is 1) in place, on the parameter, both moments and, for AMSGrad, the `largest` second moment.
pub fn adam(
    context: &Context,
    op: &Adam,
    step: u32,
    gradient: &Buffer,
    parameter: &Buffer,
    moments: [&Buffer; 2],
    largest: Option<&Buffer>,
    count: usize,
) -> Result<()> {
    let vectors = vectors("adam", count)?;
    let stem = if largest.is_some() { "adam_amsgrad" } else { "adam" };
    let (kernel, groups) = Coarsening::of(context).specialise(Specialisation::new(stem), vectors);
    let numbers = Moments::new(op.beta1, op.beta2, step);
    let params = Params {
        vectors,
        beta1: op.beta1,
        rest1: numbers.rest1,
        beta2: op.beta2,
        rest2: numbers.rest2,
        eps: op.eps,
        decay: op.weight_decay,
        step: (f64::from(op.lr) * numbers.step) as f32,
        root: numbers.root,
    };
    let mut buffers = vec![gradient, parameter, moments[0], moments[1]];
    buffers.extend(largest);
    let dispatch = Dispatch { op: "adam", params: bytemuck::bytes_of(&params), buffers: &buffers, groups };
    context.dispatch(&kernel, &dispatch)
}

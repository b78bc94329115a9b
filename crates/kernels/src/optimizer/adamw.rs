//! `adamw`.

use tilewright_ops::AdamW;
use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use crate::base::{
    coarsening::Coarsening,
    numbers::vectors,
    params::{ParamsLayout, params},
};

use super::moments::Moments;

params! { Params for "adamw" {
    vectors: u32,
    beta1: f32,
    rest1: f32,
    beta2: f32,
    rest2: f32,
    eps: f32,
    keep: f32,
    step: f32,
    root: f32,
} }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT];

/// Step number `step` (the first is 1) in place, on the parameter and both moments.
pub fn adamw(
    context: &Context,
    op: &AdamW,
    step: u32,
    gradient: &Buffer,
    parameter: &Buffer,
    first: &Buffer,
    second: &Buffer,
    count: usize,
) -> Result<()> {
    let vectors = vectors("adamw", count)?;
    let (kernel, groups) = Coarsening::of(context).specialise(Specialisation::new("adamw"), vectors);
    let numbers = Moments::new(op.beta1, op.beta2, step);
    let [lr, weight_decay] = [op.lr, op.weight_decay].map(f64::from);
    let params = Params {
        vectors,
        beta1: op.beta1,
        rest1: numbers.rest1,
        beta2: op.beta2,
        rest2: numbers.rest2,
        eps: op.eps,
        keep: (1.0 - lr * weight_decay) as f32,
        step: (lr * numbers.step) as f32,
        root: numbers.root,
    };
    let dispatch = Dispatch {
        op: "adamw",
        params: bytemuck::bytes_of(&params),
        buffers: &[gradient, parameter, first, second],
        groups,
    };
    context.dispatch(&kernel, &dispatch)
}

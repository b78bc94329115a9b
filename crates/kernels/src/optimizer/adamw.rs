//! `adamw`.

use tilewright_ops::AdamW;
use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use crate::base::{
    coarsening::Coarsening,
    numbers::vectors,
    params::{ParamsLayout, params},
};

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
    // In f64: 1 − β cancels, and so does 1 − βᵗ at the first steps.
    let [lr, beta1, beta2, weight_decay] = [op.lr, op.beta1, op.beta2, op.weight_decay].map(f64::from);
    let corrected = |beta: f64| 1.0 - beta.powf(f64::from(step));
    let params = Params {
        vectors,
        beta1: op.beta1,
        rest1: (1.0 - beta1) as f32,
        beta2: op.beta2,
        rest2: (1.0 - beta2) as f32,
        eps: op.eps,
        keep: (1.0 - lr * weight_decay) as f32,
        step: (lr / corrected(beta1)) as f32,
        root: (1.0 / corrected(beta2).sqrt()) as f32,
    };
    let dispatch = Dispatch {
        op: "adamw",
        params: bytemuck::bytes_of(&params),
        buffers: &[gradient, parameter, first, second],
        groups,
    };
    context.dispatch(&kernel, &dispatch)
}

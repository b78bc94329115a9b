//! `batch_norm_normalise`.

use tilewright_ops::UnaryOp;
use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use super::{call::BatchNormLaunch, rows::Rows};
use crate::base::{
    coarsening::Coarsening,
    numbers::workgroups,
    params::{ParamsLayout, params},
};

params! { Params for "batch_norm_normalise" {
    vectors: u32,
    step: u32,
    channels: u32,
    eps: f32,
    p0: f32,
    p1: f32,
} }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT];

/// None, ReLU and ReLU6 are clamps to bounds of the parameters, so that a network compiles one kernel for them.
fn clamped(activation: Option<UnaryOp>) -> UnaryOp {
    match activation {
        None => UnaryOp::Clamp { min: f32::NEG_INFINITY, max: f32::INFINITY },
        Some(UnaryOp::Relu) => UnaryOp::Clamp { min: 0.0, max: f32::INFINITY },
        Some(UnaryOp::Relu6) => UnaryOp::Clamp { min: 0.0, max: 6.0 },
        Some(other) => other,
    }
}

/// `y` = what `call` says.
pub fn batch_norm(context: &Context, call: &BatchNormLaunch<'_>, y: &Buffer) -> Result<()> {
    let BatchNormLaunch { op, dims: [pixels, channels], x, mean, deviation, weight, bias, activation } =
        *call;
    let coarsening = Coarsening::of(context);
    let rows = Rows::new(op, pixels, channels, coarsening)?;
    let (deviation, rest, eps, from_variance) = deviation.parts();
    let activation = clamped(activation);
    let [p0, p1] = activation.parameters();
    let params = Params { vectors: rows.vectors, step: rows.step, channels: rows.channels, eps, p0, p1 };
    let kernel = rows
        .channel_constants(Specialisation::new("batch_norm_normalise"))
        .with_u32("ROWS", coarsening.rows)
        .with_bool("FROM_VARIANCE", from_variance)
        .with_fragment("unary", activation.name());
    let threads = rows.threads(op, rows.rows.div_ceil(coarsening.rows))?;
    let dispatch = Dispatch {
        op,
        params: bytemuck::bytes_of(&params),
        buffers: &[x, mean, deviation, weight, bias, rest, y],
        groups: workgroups(threads),
    };
    context.dispatch(&kernel, &dispatch)
}

//! `batch_norm_normalise`.

use tilewright_ops::UnaryOp;
use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use super::{Rows, Spread};
use crate::{ParamsLayout, groups, params::params, share::Share};

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

/// `y = epilogue((x − mean) / std · weight + bias)`; x and y are `[pixels, channels]`, the rest is `[channels]`. `op`
/// names the operation in errors and profiles.
pub fn batch_norm_normalise(
    context: &Context,
    op: &str,
    [pixels, channels]: [usize; 2],
    x: &Buffer,
    mean: &Buffer,
    spread: Spread<'_>,
    weight: &Buffer,
    bias: &Buffer,
    epilogue: Option<UnaryOp>,
    y: &Buffer,
) -> Result<()> {
    let share = Share::of(context);
    let rows = Rows::new(op, pixels, channels, share)?;
    let (spread, eps, from_variance) = spread.parts();
    let epilogue = clamped(epilogue);
    let [p0, p1] = epilogue.parameters();
    let params = Params { vectors: rows.vectors, step: rows.step, channels: rows.channels, eps, p0, p1 };
    let kernel = rows
        .channel_constants(Specialisation::new("batch_norm_normalise"))
        .with_u32("ROWS", share.rows)
        .with_bool("FROM_VARIANCE", from_variance)
        .with_fragment("unary", epilogue.name());
    let threads = rows.threads(op, rows.rows.div_ceil(share.rows))?;
    let dispatch = Dispatch {
        op,
        params: bytemuck::bytes_of(&params),
        buffers: &[x, mean, spread, weight, bias, y],
        groups: groups(threads),
    };
    context.dispatch(&kernel, &dispatch)
}

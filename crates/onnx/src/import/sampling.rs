//! Places of an affine map, and elements at such places.

use tilewright_tensor::composite::{GridSample, Outside, Sampling};

use super::node::Ctx;
use super::value::Value;
use crate::error::{Error, Result};
use crate::limit::LIMIT;
use crate::params::operands::Operands;

/// For each element of the result the place that an affine map gives it, −1 to 1 over the image.
pub(super) fn affine_grid(ctx: &Ctx) -> Result<Vec<Value>> {
    let theta = ctx.float(0)?;
    let size = ctx.integers("", 1)?.ok_or_else(|| ctx.wrong("the size is missing"))?;
    let size: Option<Vec<usize>> = size.iter().map(|&extent| usize::try_from(extent).ok()).collect();
    let spatial = size.as_ref().and_then(|size| size.get(2..)).unwrap_or(&[]).to_vec();
    let axes = spatial.len();
    let batch = theta.shape().first().copied().unwrap_or(0);
    if !matches!(axes, 2 | 3) || theta.shape() != [batch, axes, axes + 1] {
        return Err(ctx.wrong(format!("a map of shape {:?} for a size of {size:?}", theta.shape())));
    }
    let align = ctx.node.attributes.flag("align_corners", false)?;
    let points = spatial.iter().fold(1_usize, |points, &extent| points.saturating_mul(extent));
    if points.saturating_mul(axes + 1) > LIMIT {
        return Err(Error::TooLarge { node: ctx.node.place(), elements: points as u128, limit: LIMIT });
    }
    ctx.like_first([theta.affine_grid(&spatial, align)?])
}

pub(super) fn grid_sample(ctx: &Ctx) -> Result<Vec<Value>> {
    let (x, grid, attributes) = (ctx.float(0)?, ctx.float(1)?, &ctx.node.attributes);
    let sampling = match attributes.string("mode")?.unwrap_or("linear") {
        // Until operator set 20 the two were named for images.
        "linear" | "bilinear" => Sampling::Linear,
        "cubic" | "bicubic" => Sampling::Cubic,
        "nearest" => Sampling::Nearest,
        other => return Err(attributes.wrong("mode", format!("`{other}` is unknown"))),
    };
    let outside = match attributes.string("padding_mode")?.unwrap_or("zeros") {
        "zeros" => Outside::Zeros,
        "border" => Outside::Border,
        "reflection" => Outside::Reflection,
        other => return Err(attributes.wrong("padding_mode", format!("`{other}` is unknown"))),
    };
    let op = GridSample { sampling, outside, align_corners: attributes.flag("align_corners", false)? };
    ctx.like_first([x.grid_sample(&grid, &op)?])
}

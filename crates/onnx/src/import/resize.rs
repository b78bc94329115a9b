//! Resizing by tables of weights: any axes, every mode but crops and antialiasing.

use tilewright_ops::{Coordinates, Interpolation, Rounding, TapTable};
use tilewright_tensor::composite::resample_axes::MOST_PLACES;

use super::node::Ctx;
use super::value::Value;
use crate::error::Result;
use crate::params::axis;
use crate::params::operands::Operands;

/// The size of each axis, and the scale that its coordinates follow.
struct Target {
    size: usize,
    scale: Option<f32>,
}

pub(super) fn resize(ctx: &Ctx) -> Result<Vec<Value>> {
    resized(ctx, if ctx.node.opset >= 11 { (2, Some(3)) } else { (1, None) })
}

pub(super) fn upsample(ctx: &Ctx) -> Result<Vec<Value>> {
    resized(ctx, (1, None))
}

/// `operands` says where the scales are, and the sizes if there are any.
fn resized(ctx: &Ctx, operands: (usize, Option<usize>)) -> Result<Vec<Value>> {
    let x = ctx.float(0)?;
    let attributes = &ctx.node.attributes;
    if attributes.flag("antialias", false)? {
        return Err(ctx.unsupported("antialias = 1"));
    }
    let (coordinates, interpolation) = method(ctx)?;
    let mut tables = Vec::with_capacity(x.rank());
    for (&extent, target) in x.shape().iter().zip(targets(ctx, operands, x.shape())?) {
        let same = target.size == extent && target.scale.is_none_or(|scale| scale == 1.0);
        tables.push(if same {
            None
        } else {
            if target.size > MOST_PLACES {
                return Err(ctx.wrong(format!("an axis of {} elements is too large", target.size)));
            }
            let table = TapTable::resize(extent, target.size, target.scale, interpolation, coordinates);
            Some(table.map_err(tilewright_tensor::Error::from)?)
        });
    }
    ctx.like_first([x.resample_axes(&tables)?])
}

/// How places and elements correspond. Before version 11 nothing was said about it: i / scale, and the element before.
fn method(ctx: &Ctx) -> Result<(Coordinates, Interpolation)> {
    let attributes = &ctx.node.attributes;
    let old = ctx.node.opset < 11;
    let coordinates = match attributes.string("coordinate_transformation_mode")? {
        None if old => Coordinates::Asymmetric,
        None | Some("half_pixel") => Coordinates::HalfPixel,
        Some("pytorch_half_pixel") => Coordinates::PytorchHalfPixel,
        Some("align_corners") => Coordinates::AlignCorners,
        Some("asymmetric") => Coordinates::Asymmetric,
        Some("tf_half_pixel_for_nn") => Coordinates::TfHalfPixelForNn,
        Some(other) => {
            return Err(ctx.unsupported(format!("coordinate_transformation_mode `{other}`")));
        }
    };
    let interpolation = match attributes.string("mode")?.unwrap_or("nearest") {
        "nearest" => Interpolation::Nearest(match attributes.string("nearest_mode")? {
            None if old => Rounding::Floor,
            None | Some("round_prefer_floor") => Rounding::PreferFloor,
            Some("round_prefer_ceil") => Rounding::PreferCeil,
            Some("floor") => Rounding::Floor,
            Some("ceil") => Rounding::Ceil,
            Some(other) => return Err(attributes.wrong("nearest_mode", format!("`{other}` is unknown"))),
        }),
        "linear" | "bilinear" => Interpolation::Linear,
        "cubic" => Interpolation::Cubic {
            a: attributes.float("cubic_coeff_a", -0.75)?,
            exclude_outside: attributes.flag("exclude_outside", false)?,
        },
        other => return Err(attributes.wrong("mode", format!("`{other}` is unknown"))),
    };
    Ok((coordinates, interpolation))
}

fn targets(ctx: &Ctx, (scales_at, sizes_at): (usize, Option<usize>), shape: &[usize]) -> Result<Vec<Target>> {
    let attributes = &ctx.node.attributes;
    let scales = match attributes.floats("scales")? {
        Some(scales) => scales.to_vec(),
        None => ctx.constant(scales_at)?.map(|scales| scales.to_f32()).unwrap_or_default(),
    };
    let sizes = match sizes_at {
        Some(at) => ctx.integers("", at)?.unwrap_or_default(),
        None => vec![],
    };
    if attributes.string("keep_aspect_ratio_policy")?.is_some_and(|policy| policy != "stretch") {
        return Err(ctx.unsupported("keep_aspect_ratio_policy"));
    }
    let named = match attributes.ints("axes")? {
        Some(named) => {
            named.iter().map(|&one| ctx.check(axis::one(one, shape.len()))).collect::<Result<Vec<_>>>()?
        }
        None => (0..shape.len()).collect(),
    };
    let given = if sizes.is_empty() { scales.len() } else { sizes.len() };
    if given != named.len() {
        return Err(ctx.wrong(format!("{given} scales or sizes for {} axes", named.len())));
    }
    let mut targets: Vec<Target> = shape.iter().map(|&size| Target { size, scale: None }).collect();
    for (at, &axis) in named.iter().enumerate() {
        targets[axis] = if sizes.is_empty() {
            let scale = scales[at];
            if !(scale > 0.0 && scale.is_finite()) {
                return Err(ctx.wrong(format!("a scale of {scale}")));
            }
            Target { size: (shape[axis] as f32 * scale).floor() as usize, scale: Some(scale) }
        } else {
            let size = usize::try_from(sizes[at]);
            Target { size: size.map_err(|_| ctx.wrong(format!("a size of {}", sizes[at])))?, scale: None }
        };
    }
    Ok(targets)
}

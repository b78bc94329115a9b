//! Resizing by tables of weights: any axes, every mode.

use tilewright_ops::{Coordinates, Interpolation, Rounding, TapTable};
use tilewright_tensor::Tensor;
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
    let interpolation = interpolation(ctx)?;
    let coordinates = coordinates(ctx, x.rank())?;
    let (mut tables, mut outside) = (Vec::with_capacity(x.rank()), Vec::with_capacity(x.rank()));
    let targets = targets(ctx, operands, x.shape())?;
    for ((&extent, Target { size, scale }), coordinates) in x.shape().iter().zip(targets).zip(coordinates) {
        let cropped =
            matches!(coordinates, Coordinates::CropAndResize { start, end } if (start, end) != (0.0, 1.0));
        if size == extent && scale.is_none_or(|scale| scale == 1.0) && !cropped {
            tables.push(None);
            outside.push(None);
            continue;
        }
        if size > MOST_PLACES {
            return Err(ctx.wrong(format!("an axis of {size} elements is too large")));
        }
        let table = TapTable::resize(extent, size, scale, interpolation, coordinates);
        tables.push(Some(table.map_err(tilewright_tensor::Error::from)?));
        let beyond = coordinates.outside(extent, size, scale);
        outside.push(beyond.contains(&true).then_some(beyond));
    }
    let y = extrapolated(ctx, drawn(&x, &tables)?, &outside)?;
    ctx.like_first([y])
}

/// The axes drawn anew: neighbours together, but one after the other where antialiasing has many taps for a place.
fn drawn(x: &Tensor, tables: &[Option<TapTable>]) -> Result<Tensor> {
    if tables.iter().flatten().all(|table| table.taps() <= 4) {
        return Ok(x.resample_axes(tables)?);
    }
    let mut y = x.clone();
    for (axis, table) in tables.iter().enumerate().filter(|(_, table)| table.is_some()) {
        let mut alone = vec![None; tables.len()];
        alone[axis].clone_from(table);
        y = y.resample_axes(&alone)?;
    }
    Ok(y)
}

/// `extrapolation_value` where a place lies outside the operand along one axis or another.
fn extrapolated(ctx: &Ctx, mut y: Tensor, outside: &[Option<Vec<bool>>]) -> Result<Tensor> {
    let value = ctx.scalar(ctx.node.attributes.float("extrapolation_value", 0.0)?)?;
    for (axis, beyond) in outside.iter().enumerate() {
        let Some(beyond) = beyond else { continue };
        let mut shape = vec![1; y.rank()];
        shape[axis] = beyond.len();
        let inside: Vec<f32> = beyond.iter().map(|&beyond| f32::from(u8::from(!beyond))).collect();
        y = y.where_on(&Tensor::from_slice(ctx.context, &inside, &shape)?, &value)?;
    }
    Ok(y)
}

/// How places and elements of each axis correspond. Before version 11 nothing was said about it: i / scale.
fn coordinates(ctx: &Ctx, rank: usize) -> Result<Vec<Coordinates>> {
    let attributes = &ctx.node.attributes;
    let one = match attributes.string("coordinate_transformation_mode")? {
        None if ctx.node.opset < 11 => Coordinates::Asymmetric,
        None | Some("half_pixel") => Coordinates::HalfPixel,
        Some("half_pixel_symmetric") => Coordinates::HalfPixelSymmetric,
        Some("pytorch_half_pixel") => Coordinates::PytorchHalfPixel,
        Some("align_corners") => Coordinates::AlignCorners,
        Some("asymmetric") => Coordinates::Asymmetric,
        Some("tf_half_pixel_for_nn") => Coordinates::TfHalfPixelForNn,
        Some("tf_crop_and_resize") => return parts(ctx, rank),
        Some(other) => {
            let reason = format!("`{other}` is unknown");
            return Err(attributes.wrong("coordinate_transformation_mode", reason));
        }
    };
    Ok(vec![one; rank])
}

/// The part of each axis that `roi` names.
fn parts(ctx: &Ctx, rank: usize) -> Result<Vec<Coordinates>> {
    let named = named_axes(ctx, rank)?;
    let given = ctx.constant(1)?.map(|roi| roi.to_f32()).unwrap_or_default();
    if given.len() != 2 * named.len() {
        let reason =
            format!("roi has {} numbers and must have two for each of {} axes", given.len(), named.len());
        return Err(ctx.wrong(reason));
    }
    let mut parts = vec![Coordinates::CropAndResize { start: 0.0, end: 1.0 }; rank];
    for (at, &axis) in named.iter().enumerate() {
        parts[axis] = Coordinates::CropAndResize { start: given[at], end: given[named.len() + at] };
    }
    Ok(parts)
}

/// Between which elements. Before version 11 the nearest was the one before.
fn interpolation(ctx: &Ctx) -> Result<Interpolation> {
    let attributes = &ctx.node.attributes;
    let exclude_outside = attributes.flag("exclude_outside", false)?;
    let antialias = attributes.flag("antialias", false)?;
    let nearest = match attributes.string("nearest_mode")? {
        None if ctx.node.opset < 11 => Rounding::Floor,
        None | Some("round_prefer_floor") => Rounding::PreferFloor,
        Some("round_prefer_ceil") => Rounding::PreferCeil,
        Some("floor") => Rounding::Floor,
        Some("ceil") => Rounding::Ceil,
        Some(other) => return Err(attributes.wrong("nearest_mode", format!("`{other}` is unknown"))),
    };
    let a = attributes.float("cubic_coeff_a", -0.75)?;
    Ok(match (attributes.string("mode")?.unwrap_or("nearest"), antialias) {
        // Antialiasing is of the other two modes.
        ("nearest", _) => Interpolation::Nearest(nearest),
        // What lies outside is the edge, and so is the only other element: leaving it out changes nothing.
        ("linear" | "bilinear", false) => Interpolation::Linear,
        ("linear" | "bilinear", true) => Interpolation::LinearAntialias { exclude_outside },
        ("cubic", false) => Interpolation::Cubic { a, exclude_outside },
        ("cubic", true) => Interpolation::CubicAntialias { a, exclude_outside },
        (other, _) => return Err(attributes.wrong("mode", format!("`{other}` is unknown"))),
    })
}

/// The axes that roi, scales and sizes speak of.
fn named_axes(ctx: &Ctx, rank: usize) -> Result<Vec<usize>> {
    match ctx.node.attributes.ints("axes")? {
        Some(named) => {
            ctx.check(axis::all(named, rank))?;
            named.iter().map(|&one| ctx.check(axis::one(one, rank))).collect()
        }
        None => Ok((0..rank).collect()),
    }
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
    let named = named_axes(ctx, shape.len())?;
    let given = if sizes.is_empty() { scales.len() } else { sizes.len() };
    if given != named.len() {
        return Err(ctx.wrong(format!("{given} scales or sizes for {} axes", named.len())));
    }
    let mut targets: Vec<Target> = shape.iter().map(|&size| Target { size, scale: None }).collect();
    let sizes =
        sizes.iter().map(|&size| usize::try_from(size).map_err(|_| ctx.wrong(format!("a size of {size}"))));
    let sizes = sizes.collect::<Result<Vec<usize>>>()?;
    let common = common_scale(ctx, named.iter().map(|&axis| shape[axis]).zip(sizes.iter().copied()))?;
    for (at, &axis) in named.iter().enumerate() {
        targets[axis] = if let Some(scale) = common {
            // Halves are rounded up.
            let size = (scale * shape[axis] as f64 + 0.5).floor() as usize;
            Target { size, scale: Some(scale as f32) }
        } else if sizes.is_empty() {
            let scale = scales[at];
            if !(scale > 0.0 && scale.is_finite()) {
                return Err(ctx.wrong(format!("a scale of {scale}")));
            }
            Target { size: (shape[axis] as f32 * scale).floor() as usize, scale: Some(scale) }
        } else {
            Target { size: sizes[at], scale: None }
        };
    }
    Ok(targets)
}

/// The one scale of all axes that `keep_aspect_ratio_policy` takes from extents and sizes.
fn common_scale(ctx: &Ctx, axes: impl Iterator<Item = (usize, usize)>) -> Result<Option<f64>> {
    let attributes = &ctx.node.attributes;
    let scales = axes.map(|(extent, size)| size as f64 / extent as f64);
    let found = match attributes.string("keep_aspect_ratio_policy")?.unwrap_or("stretch") {
        "stretch" => return Ok(None),
        "not_larger" => scales.reduce(f64::min),
        "not_smaller" => scales.reduce(f64::max),
        other => return Err(attributes.wrong("keep_aspect_ratio_policy", format!("`{other}` is unknown"))),
    };
    match found {
        Some(scale) if !scale.is_finite() => Err(ctx.wrong("an empty axis keeps no aspect ratio")),
        found => Ok(found),
    }
}

//! Regions of an image, each resized to one size.

use tilewright_ops::{BinaryOp, DType, ReduceOp, RoiAlign, RoiPool, SliceRange, UnaryOp};
use tilewright_tensor::Tensor;

use super::indexing::whole_numbers;
use super::node::{Ctx, signed};
use super::value::Value;
use crate::error::{Error, Result};
use crate::limit::LIMIT;

/// The mean, or the largest weighted corner, of bilinear samples in each bin of each region (He et al., arXiv 1703.06870). The mean
/// is the operation of the vocabulary, the largest is made of others.
/// Until operator set 16 coordinates were as they are; since then half a pixel is taken off.
pub(super) fn roi_align(ctx: &Ctx) -> Result<Vec<Value>> {
    let (x, rois, attributes) = (ctx.float(0)?, ctx.float(1)?, &ctx.node.attributes);
    let images = whole_numbers(ctx, 2)?;
    let &[n, c, height, width] = x.shape() else {
        return Err(ctx.wrong(format!("an operand of shape {:?}", x.shape())));
    };
    let count = images.count();
    if rois.shape() != [count, 4] {
        return Err(ctx.wrong(format!("regions of shape {:?} in {count} images", rois.shape())));
    }
    let size = |name: &str, default: i64| -> Result<usize> {
        let given = attributes.int(name, default)?;
        usize::try_from(given).map_err(|_| attributes.wrong(name, format!("is {given}")))
    };
    let (rows, columns) = (size("output_height", 1)?, size("output_width", 1)?);
    let ratio = size("sampling_ratio", 0)?;
    if rows == 0 || columns == 0 {
        return Err(attributes.wrong("output_height", format!("and output_width are {rows} and {columns}")));
    }
    let half = match attributes.string("coordinate_transformation_mode")? {
        None => ctx.node.opset >= 16,
        Some("half_pixel") => true,
        Some("output_half_pixel") => false,
        Some(other) => {
            let reason = format!("`{other}` is unknown");
            return Err(attributes.wrong("coordinate_transformation_mode", reason));
        }
    };
    let largest = match attributes.string("mode")?.unwrap_or("avg") {
        "avg" => false,
        "max" => true,
        other => return Err(attributes.wrong("mode", format!("`{other}` is unknown"))),
    };
    let spatial_scale = attributes.float("spatial_scale", 1.0)?;
    if !largest {
        let (sampling_ratio, aligned) = (ratio, half);
        let op = RoiAlign { output: [rows, columns], spatial_scale, sampling_ratio, aligned };
        let images = images.cast(DType::F32)?.reshape(&[-1, 1])?;
        return ctx.like_first([x.roi_align(&Tensor::concat(&[&images, &rois], 1)?, &op)?]);
    }
    let offset = if half { -0.5 } else { 0.0 };
    let corners = rois.scale(spatial_scale)?.unary(UnaryOp::AddScalar { value: offset })?;
    let corner = |at: usize| -> Result<Tensor> {
        Ok(corners.slice(&[SliceRange::full(count), SliceRange::new(at, at + 1)])?)
    };
    let samples = if ratio > 0 { [ratio; 2] } else { adaptive(ctx, &Shape { rows, columns, half })? };
    let places = (rows.saturating_mul(samples[0])).saturating_mul(columns.saturating_mul(samples[1]));
    if places > LIMIT {
        let (node, elements) = (ctx.node.place(), places as u128);
        return Err(Error::TooLarge { node, elements, limit: LIMIT });
    }
    if count == 0 {
        return ctx.like_first([Tensor::from_slice::<f32>(ctx.context, &[], &[0, c, rows, columns])?]);
    }
    // Places of the samples of each axis, and 1 where they count; by region, bins · samples.
    let axis =
        |start: Tensor, end: Tensor, bins: usize, samples: usize, extent: usize| -> Result<[Tensor; 2]> {
            let length = end.sub(&start)?;
            let length = if half { length } else { length.binary(BinaryOp::Maximum, &ctx.scalar(1.0)?)? };
            let bin = length.scale(1.0 / bins as f32)?;
            // With an adaptive number of samples each region has its own, and the rest counts for nothing.
            let own = if ratio > 0 {
                ctx.tensor(&vec![samples as f32; count], &[count, 1])?
            } else {
                bin.unary(UnaryOp::Ceil)?
            };
            let number = |f: &dyn Fn(usize) -> f32| -> Result<Tensor> {
                ctx.tensor(&(0..bins * samples).map(f).collect::<Vec<_>>(), &[1, bins * samples])
            };
            let (bins_at, middles) =
                (number(&|at| (at / samples) as f32)?, number(&|at| (at % samples) as f32 + 0.5)?);
            let within = middles.mul(&bin)?.div(&own.binary(BinaryOp::Maximum, &ctx.scalar(1.0)?)?)?;
            let place = start.add(&bins_at.mul(&bin)?)?.add(&within)?;
            let counts = middles.binary(BinaryOp::Less, &own)?;
            let low = place.binary(BinaryOp::GreaterOrEqual, &ctx.scalar(-1.0)?)?;
            let high = place.binary(BinaryOp::LessOrEqual, &ctx.scalar(extent as f32)?)?;
            Ok([place, counts.mul(&low)?.mul(&high)?])
        };
    let [y, y_counts] = axis(corner(1)?, corner(3)?, rows, samples[0], height)?;
    let [x_at, x_counts] = axis(corner(0)?, corner(2)?, columns, samples[1], width)?;
    let (down, across) = (rows * samples[0], columns * samples[1]);
    if n.saturating_mul(height).saturating_mul(width) > 1 << 24 {
        return Err(
            ctx.unsupported(format!("an image of {n} x {height} x {width} elements, more than 2^24,"))
        );
    }
    let pixels = x.permute(&[0, 2, 3, 1])?.reshape(&signed(&[n * height * width, c]))?;
    let first = images.cast(DType::F32)?.scale((height * width) as f32)?.reshape(&[-1, 1, 1])?;
    let taps = |at: &Tensor, extent: usize| -> Result<[(Tensor, Tensor); 2]> {
        let last = extent as f32 - 1.0;
        let at = at.unary(UnaryOp::Clamp { min: 0.0, max: last })?;
        let low = at.unary(UnaryOp::Floor)?;
        let share = at.sub(&low)?;
        let high =
            low.unary(UnaryOp::AddScalar { value: 1.0 })?.unary(UnaryOp::Clamp { min: 0.0, max: last })?;
        let rest = share.scale(-1.0)?.unary(UnaryOp::AddScalar { value: 1.0 })?;
        Ok([(low, rest), (high, share)])
    };
    let as_rows = |tensor: &Tensor| tensor.reshape(&signed(&[count, down, 1]));
    let as_columns = |tensor: &Tensor| tensor.reshape(&signed(&[count, 1, across]));
    let counted = as_rows(&y_counts)?.mul(&as_columns(&x_counts)?)?;
    // A row behind the last is outside, and gives 0.
    let none = ctx.scalar((n * height * width) as f32)?;
    let mut best: Option<Tensor> = None;
    for (row, row_share) in taps(&y, height)? {
        for (column, column_share) in taps(&x_at, width)? {
            let place = as_rows(&row)?.scale(width as f32)?.add(&as_columns(&column)?)?.add(&first)?;
            let place = place.where_on(&counted, &none)?.cast(DType::I32)?;
            let share = as_rows(&row_share)?.mul(&as_columns(&column_share)?)?;
            let share = share.reshape(&signed(&[count, down, across, 1]))?;
            let value = pixels.gather(0, &place)?.mul(&share)?;
            best = Some(match best {
                Some(best) => best.binary(BinaryOp::Maximum, &value)?,
                None => value,
            });
        }
    }
    let best = best.ok_or_else(|| ctx.wrong("it has no samples"))?;
    let bins = best.reshape(&signed(&[count, rows, samples[0], columns, samples[1], c]))?;
    let y = bins.reduce(ReduceOp::Max, &[2, 4], false)?;
    ctx.like_first([y.permute(&[0, 3, 1, 2])?])
}

/// The largest element in each bin of each region.
pub(super) fn max_roi_pool(ctx: &Ctx) -> Result<Vec<Value>> {
    let attributes = &ctx.node.attributes;
    let given = attributes.ints("pooled_shape")?.unwrap_or_default();
    let extents: Vec<usize> = given.iter().filter_map(|&extent| usize::try_from(extent).ok()).collect();
    let Ok(output) = <[usize; 2]>::try_from(extents) else {
        return Err(attributes.wrong("pooled_shape", format!("is {given:?}")));
    };
    let op = RoiPool { output, spatial_scale: attributes.float("spatial_scale", 1.0)? };
    ctx.like_first([ctx.float(0)?.roi_pool(&ctx.float(1)?, &op)?.0])
}

/// What the number of samples depends on.
struct Shape {
    rows: usize,
    columns: usize,
    half: bool,
}

/// The most samples that a bin of any region has, down and across: the regions must be known.
fn adaptive(ctx: &Ctx, shape: &Shape) -> Result<[usize; 2]> {
    let Value::Host(rois) = ctx.value(1)? else {
        return Err(ctx.unsupported(
            "mode max with sampling_ratio 0, by which the number of samples follows from each region, where the regions depend on \
             what the model is run on,",
        ));
    };
    let scale = ctx.node.attributes.float("spatial_scale", 1.0)?;
    let least = if shape.half { 0.0 } else { 1.0 };
    let mut most = [1_usize; 2];
    for roi in rois.host().to_f32().as_chunks::<4>().0 {
        for (axis, bins) in [(1, shape.rows), (0, shape.columns)] {
            let length = (roi[axis + 2] * scale - roi[axis] * scale).max(least);
            let at = 1 - axis;
            most[at] = most[at].max((length / bins as f32).ceil() as usize);
        }
    }
    if most.iter().any(|&samples| samples > 1024) {
        return Err(ctx.unsupported(format!("{most:?} samples in a bin")));
    }
    Ok(most)
}

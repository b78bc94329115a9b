//! What moves elements and computes nothing: any type that the device holds.

use tilewright_ops::{SliceRange, TapTable};
use tilewright_tensor::composite::DepthOrder;
use tilewright_tensor::{DType, Tensor};

use super::integers::is_integer;
use super::node::{Ctx, device, host, signed};
use super::value::Value;
use crate::element::ElementType;
use crate::error::Result;
use crate::params::axis;
use crate::params::movement::{self, PadMode};
use crate::params::operands::Operands;
use crate::table::operator::Relabel;
use crate::tensor::{Data, HostTensor};

pub(super) fn identity(ctx: &Ctx) -> Result<Vec<Value>> {
    Ok(vec![ctx.value(0)?.clone()])
}

pub(super) fn relabel(ctx: &Ctx, how: Relabel) -> Result<Vec<Value>> {
    let to = movement::relabel(ctx, how, ctx.shape(0)?)?;
    ctx.like_first([ctx.stored(0)?.reshape(&signed(&to))?])
}

pub(super) fn shape(ctx: &Ctx) -> Result<Vec<Value>> {
    Ok(vec![host(HostTensor::integers(&movement::shape_extents(ctx, ctx.shape(0)?)?))])
}

pub(super) fn size(ctx: &Ctx) -> Result<Vec<Value>> {
    let count = Data::I64(vec![ctx.shape(0)?.iter().product::<usize>() as i64]);
    Ok(vec![host(HostTensor::new(&[], count).map_err(|_| ctx.wrong("it has no size"))?)])
}

pub(super) fn transpose(ctx: &Ctx) -> Result<Vec<Value>> {
    let x = ctx.stored(0)?;
    ctx.like_first([x.permute(&movement::permutation(ctx, x.rank())?)?])
}

pub(super) fn concat(ctx: &Ctx) -> Result<Vec<Value>> {
    let mut parts: Vec<Tensor> = (0..ctx.inputs.len()).map(|at| ctx.stored(at)).collect::<Result<_>>()?;
    if parts.iter().any(|part| part.dtype() != parts[0].dtype()) {
        // Some are held as bytes and some are not.
        parts = (0..ctx.inputs.len()).map(|at| ctx.any(at)).collect::<Result<_>>()?;
    }
    let rank = ctx.shape(0)?.len();
    let axis = ctx.check(axis::one(ctx.node.attributes.int("axis", 1)?, rank))?;
    ctx.like_first([Tensor::concat(&parts.iter().collect::<Vec<_>>(), axis)?])
}

pub(super) fn split(ctx: &Ctx) -> Result<Vec<Value>> {
    let x = ctx.any(0)?;
    let axis = ctx.check(axis::one(ctx.node.attributes.int("axis", 0)?, x.rank()))?;
    let parts = movement::split(ctx, x.shape()[axis])?;
    ctx.like_first(x.split(axis, &parts)?)
}

pub(super) fn slice(ctx: &Ctx) -> Result<Vec<Value>> {
    let mut y = ctx.any(0)?;
    let cuts = movement::slice(ctx, y.shape())?;
    let range = |cut: &movement::Cut, extent: usize| match usize::try_from(cut.step) {
        // What goes backwards is turned around afterwards.
        Err(_) => SliceRange::full(extent),
        Ok(_) if cut.count == 0 => SliceRange::new(0, 0),
        Ok(step) => SliceRange { start: cut.start, end: cut.start + (cut.count - 1) * step + 1, step },
    };
    let ranges: Vec<_> = cuts.iter().zip(y.shape()).map(|(cut, &extent)| range(cut, extent)).collect();
    if ranges.iter().zip(y.shape()).any(|(range, &extent)| *range != SliceRange::full(extent)) {
        y = y.slice(&ranges)?;
    }
    for (axis, cut) in cuts.iter().enumerate().filter(|(_, cut)| cut.step < 0) {
        let places = (0..cut.count).map(|at| i32::try_from(cut.start as isize + at as isize * cut.step).ok());
        let places = places.collect::<Option<Vec<i32>>>();
        let places = places.ok_or_else(|| ctx.unsupported("an axis of more than 2^31 elements backwards"))?;
        y = y.gather(axis, &Tensor::from_slice(ctx.context, &places, &[places.len()])?)?;
    }
    ctx.like_first([y])
}

pub(super) fn expand(ctx: &Ctx) -> Result<Vec<Value>> {
    let shape = movement::expand(ctx, ctx.shape(0)?)?;
    ctx.like_first([ctx.any(0)?.expand(&shape)?])
}

pub(super) fn tile(ctx: &Ctx) -> Result<Vec<Value>> {
    let x = ctx.any(0)?;
    ctx.like_first([x.repeat(&movement::repeats(ctx, x.shape())?)?])
}

pub(super) fn pad(ctx: &Ctx) -> Result<Vec<Value>> {
    let x = ctx.float(0)?;
    let (mode, pads) = movement::pads(ctx, x.shape())?;
    if mode != PadMode::Constant {
        return mirrored(ctx, &x, mode, &pads);
    }
    let value = ctx.number("value", 2)?.unwrap_or(0.0);
    let mut ranges = vec![];
    let mut border = vec![];
    for (&extent, [before, behind]) in x.shape().iter().zip(pads) {
        let places =
            ctx.check(movement::pad_places(PadMode::Constant, extent, [before.min(0), behind.min(0)]))?;
        let start = usize::try_from(-before.min(0)).unwrap_or(0).min(extent);
        ranges.push(SliceRange::new(start, (start + places.len()).min(extent)));
        let more = |count: i64| usize::try_from(count.max(0)).unwrap_or(usize::MAX);
        border.push((more(before), more(behind)));
    }
    let cut = if ranges.iter().zip(x.shape()).all(|(range, &extent)| *range == SliceRange::full(extent)) {
        x
    } else {
        x.slice(&ranges)?
    };
    ctx.like_first([if border.iter().all(|&more| more == (0, 0)) { cut } else { cut.pad(&border, value)? }])
}

/// Ones along a diagonal of a matrix, of which the operand says shape and type alone.
pub(super) fn eye_like(ctx: &Ctx) -> Result<Vec<Value>> {
    let &[rows, columns] = ctx.shape(0)? else {
        return Err(ctx.wrong(format!("shape {:?} is no matrix", ctx.shape(0)?)));
    };
    let attributes = &ctx.node.attributes;
    let shift = attributes.int("k", 0)?;
    let number = attributes.int("dtype", i64::from(ctx.dtype(0)?.number()))?;
    let known = i32::try_from(number).map_err(|_| "unknown").and_then(ElementType::from_number);
    let dtype = known.map_err(|name| {
        attributes.wrong("dtype", format!("is {name} (number {number} of the format), which is not read"))
    })?;
    let one = |at: usize| (at % columns) as i128 - (at / columns) as i128 == i128::from(shift);
    let ones: Vec<f32> = (0..rows * columns).map(|at| f32::from(u8::from(one(at)))).collect();
    let ones = ctx.tensor(&ones, &[rows, columns])?;
    let y = if is_integer(dtype) { ones.cast(DType::I32)? } else { ones };
    Ok(vec![device(y, dtype)])
}

/// Borders from the tensor itself: every padded axis is drawn anew from its own places.
fn mirrored(ctx: &Ctx, x: &Tensor, mode: PadMode, pads: &[[i64; 2]]) -> Result<Vec<Value>> {
    let mut tables = Vec::with_capacity(x.rank());
    for (&extent, &pads) in x.shape().iter().zip(pads) {
        let table = if pads == [0, 0] {
            None
        } else {
            let places = ctx.check(movement::pad_places(mode, extent, pads))?;
            Some(TapTable::gather(&places.into_iter().flatten().collect::<Vec<_>>()))
        };
        tables.push(table);
    }
    ctx.like_first([x.resample_axes(&tables)?])
}

/// The middle of each axis, or the axis in the middle of zeros; what is odd goes behind.
pub(super) fn center_crop_pad(ctx: &Ctx) -> Result<Vec<Value>> {
    let x = ctx.any(0)?;
    let wanted = ctx.integers("", 1)?.ok_or_else(|| ctx.wrong("the shape is missing"))?;
    let named = match ctx.node.attributes.ints("axes")? {
        Some(named) => {
            ctx.check(axis::all(named, x.rank()))?;
            named.iter().map(|&one| ctx.check(axis::one(one, x.rank()))).collect::<Result<Vec<_>>>()?
        }
        None => (0..x.rank()).collect(),
    };
    if named.len() != wanted.len() {
        return Err(ctx.wrong(format!("{} extents for {} axes", wanted.len(), named.len())));
    }
    let mut ranges: Vec<_> = x.shape().iter().map(|&extent| SliceRange::full(extent)).collect();
    let mut border = vec![(0, 0); x.rank()];
    for (&axis, &wanted) in named.iter().zip(&wanted) {
        let extent = x.shape()[axis];
        let size = usize::try_from(wanted).map_err(|_| ctx.wrong(format!("an extent of {wanted}")))?;
        match size.checked_sub(extent) {
            Some(more) => border[axis] = (more / 2, more - more / 2),
            None => {
                let start = (extent - size) / 2;
                ranges[axis] = SliceRange::new(start, start + size);
            }
        }
    }
    let y = if ranges.iter().zip(x.shape()).all(|(range, &extent)| *range == SliceRange::full(extent)) {
        x
    } else {
        x.slice(&ranges)?
    };
    ctx.like_first([if border.iter().all(|&more| more == (0, 0)) { y } else { y.pad(&border, 0.0)? }])
}

pub(super) fn depth_to_space(ctx: &Ctx) -> Result<Vec<Value>> {
    let (block, order) = (movement::block(ctx)?, movement::depth_order(ctx)?);
    ctx.like_first([ctx.any(0)?.depth_to_space(block, order)?])
}

pub(super) fn space_to_depth(ctx: &Ctx) -> Result<Vec<Value>> {
    let (x, block) = (ctx.any(0)?, movement::block(ctx)?);
    ctx.like_first([match movement::depth_order(ctx)? {
        DepthOrder::Dcr => x.space_to_depth(block)?,
        DepthOrder::Crd => x.pixel_unshuffle(block)?,
    }])
}

/// The known side of the diagonal stays, and the rest is 0.
pub(super) fn trilu(ctx: &Ctx) -> Result<Vec<Value>> {
    let x = ctx.any(0)?;
    let &[.., rows, columns] = x.shape() else {
        return Err(ctx.wrong(format!("shape {:?} is no matrix", x.shape())));
    };
    let upper = ctx.node.attributes.flag("upper", true)?;
    let shift = ctx.integers("", 1)?.and_then(|values| values.first().copied()).unwrap_or(0);
    let stays = |at: usize| {
        let beyond = (at % columns) as i128 - (at / columns) as i128 - i128::from(shift);
        f32::from(u8::from(if upper { beyond >= 0 } else { beyond <= 0 }))
    };
    let kept = ctx.tensor(&(0..rows * columns).map(stays).collect::<Vec<_>>(), &[rows, columns])?;
    ctx.like_first([x.where_on(&kept, &ctx.scalar(0.0)?.cast(x.dtype())?)?])
}

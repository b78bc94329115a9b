//! What moves elements and computes nothing: any type that the device holds.

use tilewright_ops::{SliceRange, TapTable};
use tilewright_tensor::{DType, Tensor};

use super::node::{Ctx, device, host, signed};
use super::registry::Entry;
use super::resize::MOST_PLACES;
use super::value::Value;
use crate::params::{self, Operands, PadMode};
use crate::{Data, HostTensor, Result};

pub(super) const OPERATORS: &[Entry] = &[
    ("Identity", 1, identity),
    ("Reshape", 1, reshape),
    ("Flatten", 1, reshape),
    ("Squeeze", 1, reshape),
    ("Unsqueeze", 1, reshape),
    ("Shape", 1, shape),
    ("Size", 1, shape),
    ("Transpose", 1, transpose),
    ("Concat", 1, concat),
    ("Split", 2, split),
    ("Slice", 1, slice),
    ("Expand", 8, expand),
    ("Tile", 1, tile),
    ("Pad", 1, pad),
    ("DepthToSpace", 1, depth_to_space),
    ("SpaceToDepth", 1, depth_to_space),
];

fn identity(ctx: &Ctx) -> Result<Vec<Value>> {
    Ok(vec![ctx.value(0)?.clone()])
}

fn reshape(ctx: &Ctx) -> Result<Vec<Value>> {
    let from = ctx.shape(0)?;
    let to = match ctx.node.op_type.as_str() {
        "Reshape" => {
            let target = ctx.integers("shape", 1)?.ok_or_else(|| ctx.wrong("the shape is missing"))?;
            ctx.check(params::reshape(from, &target, ctx.node.attributes.flag("allowzero", false)?))?
        }
        "Flatten" => params::flatten(ctx, from)?,
        "Squeeze" => params::squeeze(ctx, from)?,
        _ => params::unsqueeze(ctx, from)?,
    };
    ctx.like_first([ctx.any(0)?.reshape(&signed(&to))?])
}

fn shape(ctx: &Ctx) -> Result<Vec<Value>> {
    let shape = ctx.shape(0)?;
    if ctx.node.op_type == "Shape" {
        return Ok(vec![host(HostTensor::integers(&params::shape_extents(ctx, shape)?))]);
    }
    let count = Data::I64(vec![shape.iter().product::<usize>() as i64]);
    Ok(vec![host(HostTensor::new(&[], count).map_err(|_| ctx.wrong("it has no size"))?)])
}

fn transpose(ctx: &Ctx) -> Result<Vec<Value>> {
    let x = ctx.any(0)?;
    ctx.like_first([x.permute(&params::permutation(ctx, x.rank())?)?])
}

fn concat(ctx: &Ctx) -> Result<Vec<Value>> {
    let parts: Vec<Tensor> = (0..ctx.inputs.len()).map(|at| ctx.any(at)).collect::<Result<_>>()?;
    let rank = ctx.shape(0)?.len();
    let axis = ctx.check(params::axis(ctx.node.attributes.int("axis", 1)?, rank))?;
    ctx.like_first([Tensor::concat(&parts.iter().collect::<Vec<_>>(), axis)?])
}

fn split(ctx: &Ctx) -> Result<Vec<Value>> {
    let x = ctx.any(0)?;
    let axis = ctx.check(params::axis(ctx.node.attributes.int("axis", 0)?, x.rank()))?;
    let mut start = 0;
    let mut parts = vec![];
    for size in params::split(ctx, x.shape()[axis])? {
        let mut ranges: Vec<_> = x.shape().iter().map(|&extent| SliceRange::full(extent)).collect();
        ranges[axis] = SliceRange::new(start, start + size);
        parts.push(x.slice(&ranges)?);
        start += size;
    }
    ctx.like_first(parts)
}

fn slice(ctx: &Ctx) -> Result<Vec<Value>> {
    let mut y = ctx.any(0)?;
    let cuts = params::slice(ctx, y.shape())?;
    let range = |cut: &params::Cut, extent: usize| match usize::try_from(cut.step) {
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
        let places = (0..cut.count).map(|at| (cut.start as isize + at as isize * cut.step) as i32);
        let places: Vec<i32> = places.collect();
        y = y.gather(axis, &Tensor::from_slice(ctx.context, &places, &[places.len()])?)?;
    }
    ctx.like_first([y])
}

fn expand(ctx: &Ctx) -> Result<Vec<Value>> {
    let shape = params::expand(ctx, ctx.shape(0)?)?;
    ctx.like_first([ctx.any(0)?.expand(&shape)?])
}

/// Every axis as a pair of repeats and extent, the repeats broadcast.
fn tile(ctx: &Ctx) -> Result<Vec<Value>> {
    let x = ctx.any(0)?;
    let repeats = params::repeats(ctx, x.shape())?;
    let mut y = x;
    for (axis, &count) in repeats.iter().enumerate().filter(|&(_, &count)| count != 1) {
        let shape = y.shape().to_vec();
        let (before, behind) = shape.split_at(axis);
        let outer: usize = before.iter().product();
        let inner: usize = behind.iter().product();
        let copies = y.reshape(&signed(&[outer, 1, inner]))?.expand(&[outer, count, inner])?;
        let mut tiled = shape;
        tiled[axis] = tiled[axis].checked_mul(count).ok_or_else(|| ctx.wrong("it would be too large"))?;
        y = copies.reshape(&signed(&tiled))?;
    }
    ctx.like_first([y])
}

fn pad(ctx: &Ctx) -> Result<Vec<Value>> {
    let x = ctx.float(0)?;
    let (mode, pads) = params::pads(ctx, x.shape())?;
    if mode != PadMode::Constant {
        return mirrored(ctx, x, mode, &pads);
    }
    let value = ctx.number("value", 2)?.unwrap_or(0.0);
    let mut ranges = vec![];
    let mut border = vec![];
    for (&extent, [before, behind]) in x.shape().iter().zip(pads) {
        let places =
            ctx.check(params::pad_places(PadMode::Constant, extent, [before.min(0), behind.min(0)]))?;
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

/// Borders from the tensor itself: every padded axis is drawn anew from its own places.
fn mirrored(ctx: &Ctx, x: Tensor, mode: PadMode, pads: &[[i64; 2]]) -> Result<Vec<Value>> {
    let mut tables = Vec::with_capacity(x.rank());
    for (&extent, &pads) in x.shape().iter().zip(pads) {
        let table = if pads == [0, 0] {
            None
        } else {
            let places = ctx.check(params::pad_places(mode, extent, pads))?;
            Some(TapTable::gather(&places.into_iter().flatten().collect::<Vec<_>>()))
        };
        tables.push(table);
    }
    ctx.like_first([drawn(ctx, x, &tables)?])
}

/// Draws the axes that have a table anew, neighbours together.
pub(super) fn drawn(ctx: &Ctx, x: Tensor, tables: &[Option<TapTable>]) -> Result<Tensor> {
    let own = x.shape().to_vec();
    // A single axis needs a neighbour.
    let single = x.rank() == 1;
    let mut y = if single { x.reshape(&[1, -1])? } else { x };
    let mut tables: Vec<Option<TapTable>> = tables.to_vec();
    if single {
        tables.insert(0, None);
    }
    if let Some(extent) = y.shape().iter().find(|&&extent| extent > MOST_PLACES) {
        return Err(ctx.unsupported(format!("a table for an axis of {extent} elements")));
    }
    let mut axis = 0;
    while axis < tables.len() {
        if tables[axis].is_none() {
            axis += 1;
            continue;
        }
        let first = axis.min(tables.len().saturating_sub(2));
        let table = |at: usize, y: &Tensor| -> Result<Tensor> {
            // What is before this axis has been drawn already.
            let found = tables[at].as_ref().filter(|_| at >= axis);
            let identity = || TapTable::identity(y.shape()[at]);
            Ok(Tensor::tap_table(ctx.context, &found.cloned().unwrap_or_else(identity))?)
        };
        y = y.resample(first, &table(first, &y)?, &table(first + 1, &y)?)?;
        axis = first + 2;
    }
    debug_assert!(own.len() <= y.rank());
    Ok(if single { y.reshape(&[-1])? } else { y })
}

fn depth_to_space(ctx: &Ctx) -> Result<Vec<Value>> {
    let (from, order, to) = params::depth_to_space(ctx, ctx.shape(0)?)?;
    let x = ctx.any(0)?;
    debug_assert!(matches!(x.dtype(), DType::F32 | DType::I32));
    let y = x.reshape(&signed(&from))?.permute(&order)?.reshape(&signed(&to))?;
    Ok(vec![device(y, ctx.dtype(0)?)])
}

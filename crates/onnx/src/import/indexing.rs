//! Elements by index, and to their index.

use tilewright_ops::{BinaryOp, ScatterReduction};
use tilewright_tensor::{DType, Tensor};

use super::integers::{self, is_integer};
use super::node::{Ctx, device, signed};
use super::value::Value;
use crate::element::ElementType;
use crate::error::Result;
use crate::host::call::Call;
use crate::limit::LIMIT;
use crate::params::axis;
use crate::params::operands::Operands;
use crate::tensor::{Data, HostTensor};

/// The operand at `index` as whole numbers on the device, i32.
pub(super) fn whole_numbers(ctx: &Ctx, index: usize) -> Result<Tensor> {
    let (tensor, dtype) = (ctx.any(index)?, ctx.dtype(index)?);
    if tensor.dtype() == DType::I32 { Ok(tensor) } else { Err(ctx.of_type(index, dtype)) }
}

/// The indices into axes of `extents`, of which the last axis of the operand goes through all. Known ones are checked here; the
/// others on the device, where gathering gives 0 for one that is outside, and scattering leaves it out.
fn indices(ctx: &Ctx, extents: &[usize]) -> Result<Tensor> {
    match ctx.value(1)? {
        Value::Host(_) => {
            let values = ctx.integers("", 1)?.unwrap_or_default();
            let place = |(&value, &extent): (&i64, &usize)| {
                axis::one(value, extent)
                    .ok()
                    .and_then(|place| i32::try_from(place).ok())
                    .ok_or_else(|| ctx.wrong(format!("index {value} is outside an extent of {extent}")))
            };
            let places: Result<Vec<i32>> = values.iter().zip(extents.iter().cycle()).map(place).collect();
            Ok(Tensor::from_slice(ctx.context, &places?, ctx.shape(1)?)?)
        }
        Value::Device { tensor, .. } if tensor.dtype() == DType::I32 => Ok(tensor.clone()),
        Value::Device { dtype, .. } => Err(ctx.of_type(1, *dtype)),
        Value::MaxIndices(_) => ctx.any(1),
    }
}

fn axis_of(ctx: &Ctx, rank: usize) -> Result<usize> {
    ctx.check(axis::one(ctx.node.attributes.int("axis", 0)?, rank))
}

pub(super) fn gather(ctx: &Ctx) -> Result<Vec<Value>> {
    let x = ctx.any(0)?;
    let axis = axis_of(ctx, x.rank())?;
    let indices = indices(ctx, &x.shape()[axis..=axis])?;
    ctx.like_first([x.gather(axis, &indices)?])
}

pub(super) fn gather_elements(ctx: &Ctx) -> Result<Vec<Value>> {
    let x = ctx.any(0)?;
    let axis = axis_of(ctx, x.rank())?;
    let indices = indices(ctx, &x.shape()[axis..=axis])?;
    ctx.like_first([x.gather_elements(axis, &indices)?])
}

/// The axes of x that a tuple of the last axis of the indices names, behind `batch` others.
fn named<'a>(ctx: &Ctx, x: &'a [usize], batch: usize) -> Result<&'a [usize]> {
    let shape = ctx.shape(1)?;
    let count = shape.last().copied().unwrap_or(0);
    let axes = x.get(batch..batch.saturating_add(count)).filter(|axes| !axes.is_empty());
    axes.ok_or_else(|| {
        ctx.wrong(format!("tuples in indices of shape {shape:?} do not name axes of {x:?} behind {batch}"))
    })
}

pub(super) fn gather_nd(ctx: &Ctx) -> Result<Vec<Value>> {
    let x = ctx.any(0)?;
    let batch = ctx.check(axis::one(ctx.node.attributes.int("batch_dims", 0)?, x.rank().max(1)))?;
    let indices = indices(ctx, named(ctx, x.shape(), batch)?)?;
    ctx.like_first([x.gather_nd(batch, &indices)?])
}

fn reduction(ctx: &Ctx) -> Result<ScatterReduction> {
    let attributes = &ctx.node.attributes;
    let name = attributes.string("reduction")?.unwrap_or("none");
    let found = ScatterReduction::ALL.into_iter().find(|reduction| reduction.name() == name);
    let found = found.ok_or_else(|| attributes.wrong("reduction", format!("`{name}` is unknown")))?;
    let dtype = ctx.dtype(0)?;
    if found != ScatterReduction::Replace && dtype == ElementType::Bool {
        return Err(ctx.of_type(0, dtype));
    }
    Ok(found)
}

/// The tensor, and the updates of its type.
fn scattered(ctx: &Ctx) -> Result<[Tensor; 2]> {
    let (x, updates) = (ctx.dtype(0)?, ctx.dtype(2)?);
    if x != updates {
        return Err(ctx.wrong(format!("updates of {updates} do not go to elements of {x}")));
    }
    Ok([ctx.any(0)?, ctx.any(2)?])
}

fn result(ctx: &Ctx, y: Tensor) -> Result<Vec<Value>> {
    let dtype = ctx.dtype(0)?;
    let y = if is_integer(dtype) { integers::wrapped(ctx, y, dtype)? } else { y };
    Ok(vec![device(y, dtype)])
}

/// Where the indices are known and updates only take places, each element of the result comes from a known place, of the tensor
/// or of the updates: a lookup, in which all threads work. `None` where it is not so, or too large for the host.
fn looked_up(ctx: &Ctx, x: &Tensor, updates: &Tensor) -> Result<Option<Vec<Value>>> {
    let all = x.count().saturating_add(updates.count());
    let known = matches!(ctx.value(1)?, Value::Host(_)) && reduction(ctx)? == ScatterReduction::Replace;
    if !known || x.count() == 0 || all > LIMIT {
        return Ok(None);
    }
    let places = |shape: &[usize], first: usize, count: usize| {
        let places = (first..first + count).map(|place| place as i64).collect();
        HostTensor::new(shape, Data::I64(places)).map_err(|_| ctx.wrong("its elements do not fill its shape"))
    };
    let (own, theirs) =
        (places(x.shape(), 0, x.count())?, places(updates.shape(), x.count(), updates.count())?);
    let operands = vec![Some(&own), ctx.constant(1)?, Some(&theirs)];
    let Some(found) = Call::new(ctx.node, operands).evaluate() else { return Ok(None) };
    let found = found?.first().and_then(HostTensor::to_i64).unwrap_or_default();
    let from: Vec<i32> = found.into_iter().map(|place| place as i32).collect();
    let from = Tensor::from_slice(ctx.context, &from, x.shape())?;
    let both = Tensor::concat(&[&x.reshape(&[-1])?, &updates.reshape(&[updates.count() as isize])?], 0)?;
    Ok(Some(ctx.like_first([both.gather(0, &from)?])?))
}

pub(super) fn scatter_elements(ctx: &Ctx) -> Result<Vec<Value>> {
    let [x, updates] = scattered(ctx)?;
    if let Some(found) = looked_up(ctx, &x, &updates)? {
        return Ok(found);
    }
    let axis = axis_of(ctx, x.rank())?;
    let indices = indices(ctx, &x.shape()[axis..=axis])?;
    result(ctx, x.scatter_elements(axis, reduction(ctx)?, &indices, &updates)?)
}

pub(super) fn scatter_nd(ctx: &Ctx) -> Result<Vec<Value>> {
    let [x, updates] = scattered(ctx)?;
    if let Some(found) = looked_up(ctx, &x, &updates)? {
        return Ok(found);
    }
    let indices = indices(ctx, named(ctx, x.shape(), 0)?)?;
    result(ctx, x.scatter_nd(0, reduction(ctx)?, &indices, &updates)?)
}

/// A comparison of each index with all places; the depth must be known.
pub(super) fn one_hot(ctx: &Ctx) -> Result<Vec<Value>> {
    let wrong = || ctx.wrong("values must be two, and depth one whole number that is not negative");
    let depth = ctx.constant(1)?.filter(|depth| depth.count() == 1).and_then(|depth| depth.whole());
    let depth = depth.and_then(|depth| i32::try_from(depth).ok()).filter(|&depth| depth >= 0);
    let depth = depth.filter(|_| ctx.shape(2).is_ok_and(|shape| shape == [2])).ok_or_else(wrong)?;
    let (indices, values) = (ctx.any(0)?.cast(DType::I32)?, ctx.any(2)?);
    let rank = indices.rank() + 1;
    let axis = ctx.check(axis::one(ctx.node.attributes.int("axis", -1)?, rank))?;
    let behind = indices.binary(BinaryOp::Less, &integers::number(ctx, 0)?)?;
    let counted = indices.add(&integers::number(ctx, depth)?)?.where_on(&behind, &indices)?;
    let mut shape = indices.shape().to_vec();
    shape.insert(axis, 1);
    let counted = counted.reshape(&signed(&shape))?;
    let mut along = vec![1; rank];
    along[axis] = depth as usize;
    let places = Tensor::from_slice(ctx.context, &(0..depth).collect::<Vec<_>>(), &along)?;
    let chosen = counted.binary(BinaryOp::Equal, &places)?;
    let value = |place: i32| values.gather(0, &Tensor::from_slice(ctx.context, &[place], &[])?);
    Ok(vec![device(value(1)?.where_on(&chosen, &value(0)?)?, ctx.dtype(2)?)])
}

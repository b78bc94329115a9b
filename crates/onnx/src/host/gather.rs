//! Elements by index.

use super::call::Call;
use super::indices::{along, around, strides};
use crate::error::Result;
use crate::params::axis;
use crate::params::operands::Operands;
use crate::tensor::HostTensor;

/// Indices of the operand at `index` into an axis of that extent; negative ones count from the back.
pub(super) fn places(call: &Call, index: usize, extent: usize) -> Result<Vec<usize>> {
    let values = call.integers("", index)?.ok_or_else(|| call.node().wrong("the indices are missing"))?;
    values.into_iter().map(|value| place(call, value, extent)).collect()
}

pub(super) fn place(call: &Call, index: i64, extent: usize) -> Result<usize> {
    let found = axis::one(index, extent).ok();
    found.ok_or_else(|| call.node().wrong(format!("index {index} is outside an extent of {extent}")))
}

pub(super) fn axis_attribute(call: &Call, rank: usize) -> Result<usize> {
    call.check(axis::one(call.node().attributes.int("axis", 0)?, rank))
}

pub(super) fn gather(call: &Call) -> Result<Vec<HostTensor>> {
    let (x, indices) = (call.operand(0)?, call.operand(1)?);
    let axis = axis_attribute(call, x.shape().len())?;
    let shape = [&x.shape()[..axis], indices.shape(), &x.shape()[axis + 1..]].concat();
    call.count(&shape)?;
    let places = places(call, 1, x.shape()[axis])?;
    call.moved(x, &shape, &along(around(x.shape(), axis), &places))
}

pub(super) fn gather_elements(call: &Call) -> Result<Vec<HostTensor>> {
    let (x, indices) = (call.operand(0)?, call.operand(1)?);
    let axis = axis_attribute(call, x.shape().len())?;
    let from = element_places(call, x.shape(), indices, axis)?;
    call.moved(x, indices.shape(), &from)
}

/// Where GatherElements reads and ScatterElements writes: an index along `axis`, the others as they are.
pub(super) fn element_places(
    call: &Call,
    shape: &[usize],
    indices: &HostTensor,
    axis: usize,
) -> Result<Vec<usize>> {
    let inside = indices.shape().len() == shape.len()
        && (0..shape.len()).all(|at| at == axis || indices.shape()[at] <= shape[at]);
    if !inside {
        let reason = format!("indices of shape {:?} do not fit a tensor of shape {shape:?}", indices.shape());
        return Err(call.node().wrong(reason));
    }
    let along = places(call, 1, shape[axis])?;
    let (own, steps) = (strides(shape), strides(indices.shape()));
    let from = along.iter().enumerate().map(|(at, &place)| {
        let other = (0..shape.len()).filter(|&other| other != axis);
        let rest: usize = other.map(|other| at / steps[other] % indices.shape()[other] * own[other]).sum();
        rest + place * own[axis]
    });
    Ok(from.collect())
}

/// Where the tuples in the last axis of the indices point in a shape, and how many elements lie there.
pub(super) fn tuple_places(
    call: &Call,
    shape: &[usize],
    indices: &HostTensor,
    batch: usize,
) -> Result<(Vec<usize>, usize)> {
    let wrong = || {
        let reason = format!(
            "indices of shape {:?} with {batch} batch axes do not fit a tensor of shape {shape:?}",
            indices.shape()
        );
        call.node().wrong(reason)
    };
    let Some((&depth, outer)) = indices.shape().split_last() else { return Err(wrong()) };
    if batch > outer.len() || batch.saturating_add(depth) > shape.len() || shape[..batch] != outer[..batch] {
        return Err(wrong());
    }
    let values = indices.to_i64().ok_or_else(|| call.node().wrong("indices must be of integers"))?;
    let own = strides(shape);
    let run = shape[batch + depth..].iter().product();
    let tuples: usize = outer.iter().product();
    let per_batch: usize = outer[batch..].iter().product();
    let batch_run: usize = shape[batch..].iter().product();
    let mut starts = Vec::with_capacity(tuples);
    for tuple in 0..tuples {
        let mut start = tuple / per_batch.max(1) * batch_run;
        for at in 0..depth {
            let index = place(call, values[tuple * depth + at], shape[batch + at])?;
            start += index * own[batch + at];
        }
        starts.push(start);
    }
    Ok((starts, run))
}

pub(super) fn gather_nd(call: &Call) -> Result<Vec<HostTensor>> {
    let (x, indices) = (call.operand(0)?, call.operand(1)?);
    let batch = usize::try_from(call.node().attributes.int("batch_dims", 0)?).unwrap_or(usize::MAX);
    let (starts, run) = tuple_places(call, x.shape(), indices, batch)?;
    let outer = &indices.shape()[..indices.shape().len() - 1];
    let depth = indices.shape()[outer.len()];
    let shape = [outer, &x.shape()[batch + depth..]].concat();
    call.count(&shape)?;
    let from: Vec<usize> = starts.into_iter().flat_map(|start| start..start + run).collect();
    call.moved(x, &shape, &from)
}

pub(super) fn compress(call: &Call) -> Result<Vec<HostTensor>> {
    let (x, condition) = (call.operand(0)?, call.operand(1)?);
    let wanted = condition.data().numbers().floats();
    let chosen = |extent: usize| -> Vec<usize> {
        (0..extent).filter(|&at| wanted.get(at).is_some_and(|&value| value != 0.0)).collect()
    };
    if call.node().attributes.get("axis").is_none() {
        let from = chosen(x.count());
        return call.moved(x, &[from.len()], &from);
    }
    let axis = axis_attribute(call, x.shape().len())?;
    let places = chosen(x.shape()[axis]);
    let mut shape = x.shape().to_vec();
    shape[axis] = places.len();
    call.moved(x, &shape, &along(around(x.shape(), axis), &places))
}

pub(super) fn reverse_sequence(call: &Call) -> Result<Vec<HostTensor>> {
    let x = call.operand(0)?;
    let attributes = &call.node().attributes;
    let (time, batch) = (attributes.int("time_axis", 0)?, attributes.int("batch_axis", 1)?);
    let rank = x.shape().len();
    if rank < 2 || !matches!((time, batch), (0, 1) | (1, 0)) {
        return Err(call.node().wrong("time and batch must be the first two axes"));
    }
    let lengths = call.integers("", 1)?.unwrap_or_default();
    let (time, batch) = (time as usize, batch as usize);
    if lengths.len() != x.shape()[batch]
        || lengths.iter().any(|&length| length < 0 || length > x.shape()[time] as i64)
    {
        return Err(call.node().wrong(format!("lengths {lengths:?} do not fit the shape {:?}", x.shape())));
    }
    let own = strides(x.shape());
    let from = (0..x.count()).map(|at| {
        let (step, item) = (at / own[time] % x.shape()[time], at / own[batch] % x.shape()[batch]);
        let length = lengths[item] as usize;
        if step < length { at - step * own[time] + (length - 1 - step) * own[time] } else { at }
    });
    call.moved(x, x.shape(), &from.collect::<Vec<_>>())
}

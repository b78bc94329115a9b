//! What moves elements and computes nothing: any element type.

use tilewright_ops::ShapeError;
use tilewright_tensor::composite::depth_to_space::{self, Blocks};

use super::broadcast::expanded;
use super::call::Call;
use super::indices::{along, around, strided, strides};
use crate::error::Result;
use crate::params::axis;
use crate::params::movement::{self, PadMode};
use crate::params::operands::Operands;
use crate::table::operator::Relabel;
use crate::tensor::{Data, HostTensor, Numbers};

pub(super) fn identity(call: &Call) -> Result<Vec<HostTensor>> {
    Ok(vec![call.operand(0)?.clone()])
}

pub(super) fn relabel(call: &Call, how: Relabel) -> Result<Vec<HostTensor>> {
    let x = call.operand(0)?;
    let shape = movement::relabel(call, how, x.shape())?;
    let wrong = || call.node().wrong(format!("shape {:?} cannot become {shape:?}", x.shape()));
    Ok(vec![x.clone().with_shape(shape.clone()).ok_or_else(wrong)?])
}

fn permuted(call: &Call, x: &HostTensor, from: &[usize], order: &[usize]) -> Vec<usize> {
    debug_assert_eq!(from.iter().product::<usize>(), x.count(), "{}", call.node().place());
    let own = strides(from);
    let shape: Vec<usize> = order.iter().map(|&axis| from[axis]).collect();
    let steps: Vec<isize> = order.iter().map(|&axis| own[axis] as isize).collect();
    strided(&shape, &steps, 0)
}

pub(super) fn transpose(call: &Call) -> Result<Vec<HostTensor>> {
    let x = call.operand(0)?;
    let order = movement::permutation(call, x.shape().len())?;
    let shape: Vec<usize> = order.iter().map(|&axis| x.shape()[axis]).collect();
    call.moved(x, &shape, &permuted(call, x, x.shape(), &order))
}

pub(super) fn depth_to_space(call: &Call) -> Result<Vec<HostTensor>> {
    let (block, order) = (movement::block(call)?, movement::depth_order(call)?);
    blocks(call, |shape| depth_to_space::to_space(shape, block, order))
}

pub(super) fn space_to_depth(call: &Call) -> Result<Vec<HostTensor>> {
    let (block, order) = (movement::block(call)?, movement::depth_order(call)?);
    blocks(call, |shape| depth_to_space::to_depth(shape, block, order))
}

fn blocks(
    call: &Call,
    plan: impl Fn(&[usize]) -> std::result::Result<Blocks, ShapeError>,
) -> Result<Vec<HostTensor>> {
    let x = call.operand(0)?;
    let Blocks { split, order, shape } = call.check(plan(x.shape()).map_err(|error| error.to_string()))?;
    call.moved(x, &shape, &permuted(call, x, &split, &order))
}

pub(super) fn slice(call: &Call) -> Result<Vec<HostTensor>> {
    let x = call.operand(0)?;
    let cuts = movement::slice(call, x.shape())?;
    let own = strides(x.shape());
    let shape: Vec<usize> = cuts.iter().map(|cut| cut.count).collect();
    if shape.contains(&0) {
        return call.moved(x, &shape, &[]);
    }
    let steps: Vec<isize> = cuts.iter().zip(&own).map(|(cut, &stride)| cut.step * stride as isize).collect();
    let offset: usize = cuts.iter().zip(&own).map(|(cut, &stride)| cut.start * stride).sum();
    call.moved(x, &shape, &strided(&shape, &steps, offset as isize))
}

pub(super) fn split(call: &Call) -> Result<Vec<HostTensor>> {
    let x = call.operand(0)?;
    let axis = call.check(axis::one(call.node().attributes.int("axis", 0)?, x.shape().len()))?;
    let mut start = 0;
    let mut parts = vec![];
    for size in movement::split(call, x.shape()[axis])? {
        let places: Vec<usize> = (start..start + size).collect();
        let mut shape = x.shape().to_vec();
        shape[axis] = size;
        parts.extend(call.moved(x, &shape, &along(around(x.shape(), axis), &places))?);
        start += size;
    }
    Ok(parts)
}

pub(super) fn concat(call: &Call) -> Result<Vec<HostTensor>> {
    let operands = call.operands()?;
    let Some(first) = operands.first() else { return Err(call.node().wrong("it has no operands")) };
    // Version 1 had a default of 1, the others must name it.
    let axis = call.check(axis::one(call.node().attributes.int("axis", 1)?, first.shape().len()))?;
    let mut shape = first.shape().to_vec();
    shape[axis] = 0;
    for operand in &operands {
        let fits = operand.shape().len() == shape.len()
            && (0..shape.len()).all(|at| at == axis || operand.shape()[at] == shape[at]);
        if !fits || operand.dtype() != first.dtype() {
            let reason = format!(
                "{} of shape {:?} does not continue {} of shape {:?} along axis {axis}",
                operand.dtype(),
                operand.shape(),
                first.dtype(),
                first.shape()
            );
            return Err(call.node().wrong(reason));
        }
        shape[axis] += operand.shape()[axis];
    }
    call.count(&shape)?;
    let joined = joined(&operands);
    // One behind the other first, then in order: for each outer index the parts in turn.
    let mut start = 0;
    let mut parts = vec![];
    for operand in &operands {
        let [_, extent, inner] = around(operand.shape(), axis);
        parts.push((start, extent * inner));
        start += operand.count();
    }
    let outer: usize = shape[..axis].iter().product();
    let places: Vec<usize> = (0..outer)
        .flat_map(|at| parts.iter().flat_map(move |&(start, run)| start + at * run..start + (at + 1) * run))
        .collect();
    Ok(vec![call.tensor(&shape, joined.take(&places))?])
}

/// The elements of several tensors of one type, one tensor behind the other.
fn joined(operands: &[&HostTensor]) -> Data {
    macro_rules! all {
        ($($kind:ident),*) => {
            match operands[0].data() {
                $(Data::$kind(_) => Data::$kind(
                    operands.iter().flat_map(|operand| match operand.data() {
                        Data::$kind(values) => values.clone(),
                        _ => vec![],
                    }).collect(),
                ),)*
            }
        };
    }
    all!(
        F32, U8, I8, U16, I16, I32, I64, Bool, F16, F64, U32, U64, BF16, F8E4M3FN, F8E4M3FNUZ, F8E5M2,
        F8E5M2FNUZ, U4, I4, F4E2M1
    )
}

pub(super) fn expand(call: &Call) -> Result<Vec<HostTensor>> {
    let x = call.operand(0)?;
    let shape = movement::expand(call, x.shape())?;
    call.count(&shape)?;
    Ok(vec![call.tensor(&shape, expanded(x, &shape))?])
}

pub(super) fn tile(call: &Call) -> Result<Vec<HostTensor>> {
    let x = call.operand(0)?;
    let repeats = movement::repeats(call, x.shape())?;
    let shape: Vec<usize> =
        x.shape().iter().zip(&repeats).map(|(&extent, &count)| extent.saturating_mul(count)).collect();
    call.count(&shape)?;
    let mut tiled = x.clone();
    for (axis, &count) in repeats.iter().enumerate() {
        let extent = tiled.shape()[axis];
        let places: Vec<usize> = (0..count).flat_map(|_| 0..extent).collect();
        let mut shape = tiled.shape().to_vec();
        shape[axis] = extent * count;
        let indices = along(around(tiled.shape(), axis), &places);
        tiled = call.tensor(&shape, tiled.data().take(&indices))?;
    }
    Ok(vec![tiled])
}

pub(super) fn pad(call: &Call) -> Result<Vec<HostTensor>> {
    let x = call.operand(0)?;
    let (mode, pads) = movement::pads(call, x.shape())?;
    let value = match (call.node().attributes.float_ref("value")?, call.constant(2)?) {
        (Some(&value), _) => Data::from_numbers(x.dtype(), &Numbers::Floats(vec![f64::from(value)])),
        (None, Some(value)) if value.count() == 1 && value.dtype() == x.dtype() => value.data().clone(),
        (None, Some(_)) => {
            return Err(call.node().wrong("its value must be one element of the operand's type"));
        }
        (None, None) => Data::from_numbers(x.dtype(), &Numbers::Integers(vec![0])),
    };
    let mut shape = vec![];
    let mut sources = vec![];
    for (&extent, &pads) in x.shape().iter().zip(&pads) {
        let length = (extent as i64).saturating_add(pads[0]).saturating_add(pads[1]);
        shape.push(usize::try_from(length).unwrap_or(0));
        call.count(&shape)?;
        sources.push(call.check(movement::pad_places(mode, extent, pads))?);
    }
    let own = strides(x.shape());
    // The value lies behind the last element.
    let mut places = vec![Some(0)];
    for (axis, source) in sources.iter().enumerate() {
        let step = own[axis];
        places = places
            .iter()
            .flat_map(|&place: &Option<usize>| source.iter().map(move |&at| Some(place? + at? * step)))
            .collect();
    }
    let places: Vec<usize> = places.into_iter().map(|place| place.unwrap_or(x.count())).collect();
    let with_value = joined(&[x, &HostTensor::vector(value)]);
    debug_assert!(mode == PadMode::Constant || places.iter().all(|&place| place < x.count()));
    Ok(vec![call.tensor(&shape, with_value.take(&places))?])
}

pub(super) fn trilu(call: &Call) -> Result<Vec<HostTensor>> {
    let x = call.operand(0)?;
    let &[.., rows, columns] = x.shape() else {
        return Err(call.node().wrong(format!("shape {:?} is no matrix", x.shape())));
    };
    let upper = call.node().attributes.flag("upper", true)?;
    let shift = call.integers("", 1)?.and_then(|values| values.first().copied()).unwrap_or(0);
    let zero = Data::from_numbers(x.dtype(), &Numbers::Integers(vec![0]));
    let with_zero = joined(&[x, &HostTensor::vector(zero)]);
    let places: Vec<usize> = (0..x.count())
        .map(|at| {
            let (row, column) = (at / columns % rows, at % columns);
            let beyond = (column as i128) - (row as i128) - i128::from(shift);
            if if upper { beyond >= 0 } else { beyond <= 0 } { at } else { x.count() }
        })
        .collect();
    call.moved(&HostTensor::vector(with_zero), x.shape(), &places)
}

//! Tensors from shapes and numbers.

use super::call::Call;
use crate::attributes::Attribute;
use crate::element::ElementType;
use crate::error::Result;
use crate::params::operands::Operands;
use crate::params::{axis, movement};
use crate::tensor::{Data, HostTensor, Numbers};

pub(super) fn constant(call: &Call) -> Result<Vec<HostTensor>> {
    let attributes = &call.node().attributes;
    for name in ["value", "value_float", "value_int", "value_floats", "value_ints"] {
        let tensor = match attributes.get(name) {
            Some(Attribute::Tensor(tensor)) => tensor.clone(),
            Some(Attribute::Float(value)) => call.tensor(&[], Data::F32(vec![*value]))?,
            Some(Attribute::Int(value)) => call.tensor(&[], Data::I64(vec![*value]))?,
            Some(Attribute::Floats(values)) => HostTensor::vector(Data::F32(values.clone())),
            Some(Attribute::Ints(values)) => HostTensor::vector(Data::I64(values.clone())),
            Some(Attribute::Unread(what)) => return Err(attributes.wrong(name, format!("is {what}"))),
            Some(_) => return Err(attributes.wrong(name, "has another type than its name says".to_owned())),
            None => continue,
        };
        return Ok(vec![tensor]);
    }
    let named: Vec<&str> = attributes.names().collect();
    Err(call.node().wrong(format!("it has no value that is read (attributes: {})", named.join(", "))))
}

pub(super) fn shape(call: &Call) -> Result<Vec<HostTensor>> {
    Ok(vec![HostTensor::integers(&movement::shape_extents(call, call.operand(0)?.shape())?)])
}

pub(super) fn size(call: &Call) -> Result<Vec<HostTensor>> {
    Ok(vec![call.tensor(&[], Data::I64(vec![call.operand(0)?.count() as i64]))?])
}

pub(super) fn constant_of_shape(call: &Call) -> Result<Vec<HostTensor>> {
    let extents = call.integers("", 0)?.ok_or_else(|| call.node().wrong("the shape is missing"))?;
    let shape: Option<Vec<usize>> = extents.iter().map(|&extent| usize::try_from(extent).ok()).collect();
    let shape = shape.ok_or_else(|| call.node().wrong(format!("{extents:?} is no shape")))?;
    let count = call.count(&shape)?;
    let data = match call.node().attributes.tensor("value")? {
        None => Data::F32(vec![0.0; count]),
        Some(value) if value.count() == 1 => value.data().take(&vec![0; count]),
        Some(_) => return Err(call.node().attributes.wrong("value", "must have one element".to_owned())),
    };
    Ok(vec![call.tensor(&shape, data)?])
}

pub(super) fn range(call: &Call) -> Result<Vec<HostTensor>> {
    let dtype = call.operand(0)?.dtype();
    let scalar = |index: usize| -> Result<Numbers> {
        let tensor = call.operand(index)?;
        if tensor.count() == 1 && tensor.dtype() == dtype {
            return Ok(tensor.data().numbers());
        }
        Err(call.node().wrong("start, limit and delta must be single numbers of one type"))
    };
    let zero = || call.node().wrong("delta is 0");
    let numbers = match (scalar(0)?, scalar(1)?, scalar(2)?) {
        (Numbers::Integers(start), Numbers::Integers(limit), Numbers::Integers(delta)) => {
            let (start, delta) = (start[0], delta[0]);
            let span = limit[0] - start;
            let whole = span.checked_div(delta).ok_or_else(zero)?;
            let count = (whole + i128::from(span % delta != 0 && (span < 0) == (delta < 0))).max(0);
            let count = call.count(&[usize::try_from(count).unwrap_or(usize::MAX)])?;
            Numbers::Integers((0..count as i128).map(|at| start + at * delta).collect())
        }
        (start, limit, delta) => {
            let (start, limit, delta) = (start.floats()[0], limit.floats()[0], delta.floats()[0]);
            if delta == 0.0 {
                return Err(zero());
            }
            // A NaN becomes 0 elements.
            let count = call.count(&[((limit - start) / delta).ceil() as usize])?;
            Numbers::Floats((0..count).map(|at| start + at as f64 * delta).collect())
        }
    };
    Ok(vec![HostTensor::vector(Data::from_numbers(dtype, &numbers))])
}

pub(super) fn eye_like(call: &Call) -> Result<Vec<HostTensor>> {
    let x = call.operand(0)?;
    let &[rows, columns] = x.shape() else {
        return Err(call.node().wrong(format!("shape {:?} is no matrix", x.shape())));
    };
    let shift = call.node().attributes.int("k", 0)?;
    let number = call.node().attributes.int("dtype", i64::from(x.dtype().number()))?;
    let known = i32::try_from(number).map_err(|_| "unknown").and_then(ElementType::from_number);
    let dtype = known.map_err(|name| {
        call.node()
            .attributes
            .wrong("dtype", format!("is {name} (number {number} of the format), which is not read"))
    })?;
    let one = |at: usize| i128::from((at % columns) as i128 - (at / columns) as i128 == i128::from(shift));
    let numbers = Numbers::Integers((0..rows * columns).map(one).collect());
    Ok(vec![call.tensor(x.shape(), Data::from_numbers(dtype, &numbers))?])
}

pub(super) fn one_hot(call: &Call) -> Result<Vec<HostTensor>> {
    let (indices, depth, values) = (call.operand(0)?, call.operand(1)?, call.operand(2)?);
    let whole = depth.whole().filter(|_| depth.count() == 1).and_then(|depth| usize::try_from(depth).ok());
    let Some(extent) = whole.filter(|_| values.count() == 2) else {
        return Err(call.node().wrong("values must be two, and depth one whole number that is not negative"));
    };
    let depth = extent as f64;
    let rank = indices.shape().len() + 1;
    let axis = call.check(axis::one(call.node().attributes.int("axis", -1)?, rank))?;
    let mut shape = indices.shape().to_vec();
    shape.insert(axis, extent);
    let count = call.count(&shape)?;
    let inner: usize = shape[axis + 1..].iter().product();
    let wanted = indices.data().numbers().floats();
    let chosen = (0..count).map(|at| {
        let (place, item) = (at / inner % shape[axis], at / inner / shape[axis] * inner + at % inner);
        let index = wanted[item].trunc();
        let index = if index < 0.0 { index + depth } else { index };
        usize::from(index == place as f64)
    });
    Ok(vec![call.tensor(&shape, values.data().take(&chosen.collect::<Vec<_>>()))?])
}

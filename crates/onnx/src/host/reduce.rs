//! Reductions over axes.

use super::call::Call;
use super::indices::{strided, strides};
use crate::error::Result;
use crate::params::operands::Operands;
use crate::params::reduce::{self, Reduced};
use crate::table::operator::{Extreme, Reduction};
use crate::tensor::{Data, HostTensor, Numbers};

/// The place of the first element of each group, and the offsets of a group's elements from it, in row-major order.
fn groups(shape: &[usize], reduced: &Reduced) -> (Vec<usize>, Vec<usize>) {
    let own = strides(shape);
    let part = |gone: bool| {
        let axes: Vec<usize> = (0..shape.len()).filter(|axis| reduced.axes.contains(axis) == gone).collect();
        let extents: Vec<usize> = axes.iter().map(|&axis| shape[axis]).collect();
        let steps: Vec<isize> = axes.iter().map(|&axis| own[axis] as isize).collect();
        strided(&extents, &steps, 0)
    };
    (part(false), part(true))
}

pub(super) fn reduce(call: &Call, reduction: Reduction) -> Result<Vec<HostTensor>> {
    let x = call.operand(0)?;
    let reduced = reduce::reduced(call, x.shape().len())?;
    let (starts, offsets) = groups(x.shape(), &reduced);
    let of_nothing = matches!(reduction, Reduction::Min | Reduction::Max | Reduction::Mean);
    if offsets.is_empty() && !starts.is_empty() && of_nothing {
        return Err(call.node().wrong(format!("no element of shape {:?} to reduce over", x.shape())));
    }
    let numbers = match (x.data().numbers(), integers(reduction)) {
        (Numbers::Integers(values), Some(function)) => {
            let group = |&start: &usize| {
                function(&offsets.iter().map(|offset| values[start + offset]).collect::<Vec<_>>())
            };
            Numbers::Integers(starts.iter().map(group).collect())
        }
        (values, _) => {
            let values = values.floats();
            let group = |&start: &usize| {
                let elements = offsets.iter().map(|offset| values[start + offset]);
                floats(reduction, elements, offsets.len())
            };
            Numbers::Floats(starts.iter().map(group).collect())
        }
    };
    Ok(vec![call.tensor(&reduced.shape(x.shape()), Data::from_numbers(x.dtype(), &numbers))?])
}

/// The reduction of integers to an integer; `None` for one that goes through floats.
fn integers(reduction: Reduction) -> Option<fn(&[i128]) -> i128> {
    match reduction {
        Reduction::Sum => Some(|values| values.iter().sum()),
        Reduction::Prod => Some(|values| values.iter().copied().fold(1, i128::wrapping_mul)),
        Reduction::Min => Some(|values| values.iter().copied().min().unwrap_or(0)),
        Reduction::Max => Some(|values| values.iter().copied().max().unwrap_or(0)),
        Reduction::L1 => Some(|values| values.iter().copied().map(i128::abs).sum()),
        Reduction::SumSquare => {
            Some(|values| values.iter().map(|value| value.wrapping_mul(*value)).fold(0, i128::wrapping_add))
        }
        Reduction::Mean | Reduction::L2 | Reduction::LogSum | Reduction::LogSumExp => None,
    }
}

fn floats(reduction: Reduction, elements: impl Iterator<Item = f64> + Clone, count: usize) -> f64 {
    match reduction {
        Reduction::Sum => elements.sum(),
        Reduction::Mean => elements.sum::<f64>() / count as f64,
        Reduction::Prod => elements.product(),
        Reduction::Min => elements.fold(f64::INFINITY, |a, b| if b < a || b.is_nan() { b } else { a }),
        Reduction::Max => elements.fold(f64::NEG_INFINITY, |a, b| if b > a || b.is_nan() { b } else { a }),
        Reduction::L1 => elements.map(f64::abs).sum(),
        Reduction::L2 => elements.map(|x| x * x).sum::<f64>().sqrt(),
        Reduction::SumSquare => elements.map(|x| x * x).sum(),
        Reduction::LogSum => elements.sum::<f64>().ln(),
        Reduction::LogSumExp => {
            let largest = elements.clone().fold(f64::NEG_INFINITY, f64::max);
            let base = if largest.is_finite() { largest } else { 0.0 };
            elements.map(|x| (x - base).exp()).sum::<f64>().ln() + base
        }
    }
}

pub(super) fn arg(call: &Call, extreme: Extreme) -> Result<Vec<HostTensor>> {
    let x = call.operand(0)?;
    let reduced = reduce::arg_reduced(call, x.shape().len())?;
    let (starts, offsets) = groups(x.shape(), &reduced);
    if offsets.is_empty() && !starts.is_empty() {
        return Err(call.node().wrong(format!("no element of shape {:?} to choose from", x.shape())));
    }
    let last = call.node().attributes.flag("select_last_index", false)?;
    let found = match x.data().numbers() {
        Numbers::Floats(values) => best(&values, &starts, &offsets, extreme, last),
        Numbers::Integers(values) => best(&values, &starts, &offsets, extreme, last),
    };
    Ok(vec![call.tensor(&reduced.shape(x.shape()), Data::I64(found))?])
}

/// The place of the best element of each group.
fn best<T: PartialOrd>(
    values: &[T],
    starts: &[usize],
    offsets: &[usize],
    extreme: Extreme,
    last: bool,
) -> Vec<i64> {
    let group = |&start: &usize| {
        let mut best = 0;
        for (at, offset) in offsets.iter().enumerate() {
            let (new, old) = (&values[start + offset], &values[start + offsets[best]]);
            let beats = match extreme {
                Extreme::Max => new > old,
                Extreme::Min => new < old,
            };
            if beats || (last && new == old) {
                best = at;
            }
        }
        best as i64
    };
    starts.iter().map(group).collect()
}

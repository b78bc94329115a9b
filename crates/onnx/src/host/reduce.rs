//! Reductions over axes.

use std::cmp::Ordering;

use super::call::Call;
use super::indices::{strided, strides};
use crate::element::ElementType;
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
    let numbers = match (x.data().numbers(), integers(reduction)) {
        (Numbers::Integers(_), _)
            if offsets.is_empty() && !starts.is_empty() && reduction == Reduction::Mean =>
        {
            let what = format!("the mean of no elements of shape {:?} is no {}", x.shape(), x.dtype());
            return Err(call.node().wrong(what));
        }
        (Numbers::Integers(values), Some(function)) => {
            let [least, most] = ends(x.dtype());
            // Of nothing, what any element would replace.
            let nothing = match reduction {
                Reduction::Min => Some(most),
                Reduction::Max => Some(least),
                _ => None,
            };
            let group = |&start: &usize| {
                let elements: Vec<_> = offsets.iter().map(|offset| values[start + offset]).collect();
                nothing.filter(|_| elements.is_empty()).unwrap_or_else(|| function(&elements))
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

/// The smallest and the largest number of a type of integers; of truth values 0 and 1.
fn ends(dtype: ElementType) -> [i128; 2] {
    let bits = 8 * dtype.size();
    match dtype {
        ElementType::Bool => [0, 1],
        ElementType::U8 | ElementType::U16 | ElementType::U32 | ElementType::U64 => [0, (1 << bits) - 1],
        _ => [-(1 << (bits - 1)), (1 << (bits - 1)) - 1],
    }
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

/// The place of the best element of each group. A NaN is better than any number, as in PyTorch and on the device.
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
            let better = match new.partial_cmp(old) {
                Some(Ordering::Equal) => last,
                Some(Ordering::Greater) => extreme == Extreme::Max,
                Some(Ordering::Less) => extreme == Extreme::Min,
                // One of the two is NaN, or both.
                None => new.partial_cmp(new).is_none() && (last || old.partial_cmp(old).is_some()),
            };
            if better {
                best = at;
            }
        }
        best as i64
    };
    starts.iter().map(group).collect()
}

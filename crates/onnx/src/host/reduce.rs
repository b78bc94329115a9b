//! Reductions over axes.

use super::indices::{strided, strides};
use super::{Call, Operator};
use crate::params::{self, Operands, Reduced};
use crate::{Data, HostTensor, Numbers, Result};

pub(super) fn operator(name: &str) -> Option<Operator> {
    Some(match name {
        "ReduceSum" | "ReduceProd" | "ReduceMin" | "ReduceMax" | "ReduceMean" | "ReduceL1" | "ReduceL2"
        | "ReduceSumSquare" | "ReduceLogSum" | "ReduceLogSumExp" => reduce,
        "ArgMax" | "ArgMin" => arg,
        _ => return None,
    })
}

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

fn reduce(call: &Call) -> Result<Vec<HostTensor>> {
    let x = call.operand(0)?;
    let reduced = params::reduced(call, x.shape().len())?;
    let (starts, offsets) = groups(x.shape(), &reduced);
    let op = call.node().op_type.as_str();
    if offsets.is_empty() && !starts.is_empty() && matches!(op, "ReduceMin" | "ReduceMax" | "ReduceMean") {
        return Err(call.node().wrong(format!("no element of shape {:?} to reduce over", x.shape())));
    }
    let numbers = match (x.data().numbers(), op) {
        (
            Numbers::Integers(values),
            "ReduceSum" | "ReduceProd" | "ReduceMin" | "ReduceMax" | "ReduceL1" | "ReduceSumSquare",
        ) => {
            let group = |&start: &usize| {
                let elements = offsets.iter().map(|offset| values[start + offset]);
                match op {
                    "ReduceSum" => elements.sum(),
                    "ReduceProd" => elements.fold(1_i128, i128::wrapping_mul),
                    "ReduceMin" => elements.min().unwrap_or(0),
                    "ReduceMax" => elements.max().unwrap_or(0),
                    "ReduceL1" => elements.map(i128::abs).sum(),
                    _ => elements.map(|value| value.wrapping_mul(value)).fold(0, i128::wrapping_add),
                }
            };
            Numbers::Integers(starts.iter().map(group).collect())
        }
        (values, _) => {
            let values = values.floats();
            let group = |&start: &usize| {
                let elements = offsets.iter().map(|offset| values[start + offset]);
                float_reduce(op, elements, offsets.len())
            };
            Numbers::Floats(starts.iter().map(group).collect())
        }
    };
    Ok(vec![call.tensor(&reduced.shape(x.shape()), Data::from_numbers(x.dtype(), &numbers))?])
}

fn float_reduce(op: &str, elements: impl Iterator<Item = f64> + Clone, count: usize) -> f64 {
    match op {
        "ReduceSum" => elements.sum(),
        "ReduceMean" => elements.sum::<f64>() / count as f64,
        "ReduceProd" => elements.product(),
        "ReduceMin" => elements.fold(f64::INFINITY, |a, b| if b < a || b.is_nan() { b } else { a }),
        "ReduceMax" => elements.fold(f64::NEG_INFINITY, |a, b| if b > a || b.is_nan() { b } else { a }),
        "ReduceL1" => elements.map(f64::abs).sum(),
        "ReduceL2" => elements.map(|x| x * x).sum::<f64>().sqrt(),
        "ReduceSumSquare" => elements.map(|x| x * x).sum(),
        "ReduceLogSum" => elements.sum::<f64>().ln(),
        _ => {
            let largest = elements.clone().fold(f64::NEG_INFINITY, f64::max);
            let base = if largest.is_finite() { largest } else { 0.0 };
            elements.map(|x| (x - base).exp()).sum::<f64>().ln() + base
        }
    }
}

fn arg(call: &Call) -> Result<Vec<HostTensor>> {
    let x = call.operand(0)?;
    let reduced = params::arg_reduced(call, x.shape().len())?;
    let (starts, offsets) = groups(x.shape(), &reduced);
    if offsets.is_empty() && !starts.is_empty() {
        return Err(call.node().wrong(format!("no element of shape {:?} to choose from", x.shape())));
    }
    let last = call.node().attributes.flag("select_last_index", false)?;
    let largest = call.node().op_type == "ArgMax";
    let values = x.data().numbers().floats();
    let group = |&start: &usize| {
        let mut best = 0;
        for (at, offset) in offsets.iter().enumerate() {
            let (new, old) = (values[start + offset], values[start + offsets[best]]);
            if if largest { new > old } else { new < old } || (last && new == old) {
                best = at;
            }
        }
        best as i64
    };
    let found: Vec<i64> = starts.iter().map(group).collect();
    Ok(vec![call.tensor(&reduced.shape(x.shape()), Data::I64(found))?])
}

//! What depends on the order of elements: running sums, the largest, those that are not zero.

use tilewright_ops::TopK;

use super::call::Call;
use super::indices::{around, strides};
use crate::error::Result;
use crate::params::axis;
use crate::params::operands::Operands;
use crate::params::topk;
use crate::tensor::{Data, HostTensor, Numbers};

pub(super) fn cumulative_sum(call: &Call) -> Result<Vec<HostTensor>> {
    let x = call.operand(0)?;
    let attributes = &call.node().attributes;
    let (exclusive, reverse) = (attributes.flag("exclusive", false)?, attributes.flag("reverse", false)?);
    let given = call.integers("", 1)?.and_then(|values| values.first().copied());
    let axis = call.check(axis::one(given.unwrap_or(0), x.shape().len()))?;
    let [outer, extent, inner] = around(x.shape(), axis);
    let mut places = vec![];
    for before in 0..outer {
        for behind in 0..inner {
            let line = (0..extent).map(|at| (before * extent + at) * inner + behind);
            places.push(if reverse { line.rev().collect::<Vec<_>>() } else { line.collect() });
        }
    }
    let numbers = match x.data().numbers() {
        Numbers::Floats(mut values) => {
            for line in &places {
                let mut sum = 0.0;
                for &at in line {
                    let value = values[at];
                    values[at] = if exclusive { sum } else { sum + value };
                    sum += value;
                }
            }
            Numbers::Floats(values)
        }
        Numbers::Integers(mut values) => {
            for line in &places {
                let mut sum = 0_i128;
                for &at in line {
                    let value = values[at];
                    values[at] = if exclusive { sum } else { sum + value };
                    sum += value;
                }
            }
            Numbers::Integers(values)
        }
    };
    Ok(vec![call.tensor(x.shape(), Data::from_numbers(x.dtype(), &numbers))?])
}

pub(super) fn top_k(call: &Call) -> Result<Vec<HostTensor>> {
    let x = call.operand(0)?;
    let TopK { k, axis, largest } = topk::topk(call, x.shape())?;
    let [outer, extent, inner] = around(x.shape(), axis);
    let values = x.data().numbers();
    let mut shape = x.shape().to_vec();
    shape[axis] = k;
    let count = shape.iter().product();
    let (mut places, mut indices) = (vec![0; count], vec![0_i64; count]);
    for before in 0..outer {
        for behind in 0..inner {
            let at = |index: usize| (before * extent + index) * inner + behind;
            let mut order: Vec<usize> = (0..extent).collect();
            // Stable: of equal elements the first comes first.
            order.sort_by(|&a, &b| {
                let order = values.order(at(a), at(b));
                if largest { order.reverse() } else { order }
            });
            for (rank, &index) in order.iter().take(k).enumerate() {
                let to = (before * k + rank) * inner + behind;
                places[to] = at(index);
                indices[to] = index as i64;
            }
        }
    }
    let found = call.tensor(&shape, x.data().take(&places))?;
    Ok(vec![found, call.tensor(&shape, Data::I64(indices))?])
}

pub(super) fn non_zero(call: &Call) -> Result<Vec<HostTensor>> {
    let x = call.operand(0)?;
    let values = x.data().numbers().floats();
    let found: Vec<usize> = (0..x.count()).filter(|&at| values[at] != 0.0).collect();
    let own = strides(x.shape());
    let rows = (0..x.shape().len()).flat_map(|axis| {
        let (step, extent) = (own[axis], x.shape()[axis]);
        found.iter().map(move |at| (at / step % extent) as i64).collect::<Vec<_>>()
    });
    Ok(vec![call.tensor(&[x.shape().len(), found.len()], Data::I64(rows.collect()))?])
}

//! Elements written by index.

use super::gather::{axis, element_places, tuple_places};
use super::{Call, Operator};
use crate::params::Operands;
use crate::{Data, HostTensor, Numbers, Result};

pub(super) fn operator(name: &str) -> Option<Operator> {
    Some(match name {
        "Scatter" | "ScatterElements" => scatter_elements,
        "ScatterND" => scatter_nd,
        _ => return None,
    })
}

fn scatter_elements(call: &Call) -> Result<Vec<HostTensor>> {
    let (x, indices) = (call.operand(0)?, call.operand(1)?);
    let axis = axis(call, x.shape().len())?;
    let to = element_places(call, x.shape(), indices, axis)?;
    scattered(call, x, &to)
}

fn scatter_nd(call: &Call) -> Result<Vec<HostTensor>> {
    let (x, indices) = (call.operand(0)?, call.operand(1)?);
    let (starts, run) = tuple_places(call, x.shape(), indices, 0)?;
    call.count(&[starts.len(), run])?;
    let to: Vec<usize> = starts.into_iter().flat_map(|start| start..start + run).collect();
    scattered(call, x, &to)
}

fn scattered(call: &Call, x: &HostTensor, to: &[usize]) -> Result<Vec<HostTensor>> {
    let updates = call.operand(2)?;
    if updates.count() != to.len() || updates.dtype() != x.dtype() {
        let reason = format!(
            "{} updates of {} do not go to {} places of {}",
            updates.count(),
            updates.dtype(),
            to.len(),
            x.dtype()
        );
        return Err(call.node().wrong(reason));
    }
    let reduction = call.node().attributes.string("reduction")?.unwrap_or("none");
    if !["none", "add", "mul", "max", "min"].contains(&reduction) {
        return Err(call.node().attributes.wrong("reduction", format!("`{reduction}` is unknown")));
    }
    let numbers = match (x.data().numbers(), updates.data().numbers()) {
        (Numbers::Floats(mut values), Numbers::Floats(updates)) => {
            for (&at, &update) in to.iter().zip(&updates) {
                values[at] = match reduction {
                    "add" => values[at] + update,
                    "mul" => values[at] * update,
                    "max" => values[at].max(update),
                    "min" => values[at].min(update),
                    _ => update,
                };
            }
            Numbers::Floats(values)
        }
        (Numbers::Integers(mut values), Numbers::Integers(updates)) => {
            for (&at, &update) in to.iter().zip(&updates) {
                values[at] = match reduction {
                    "add" => values[at].wrapping_add(update),
                    "mul" => values[at].wrapping_mul(update),
                    "max" => values[at].max(update),
                    "min" => values[at].min(update),
                    _ => update,
                };
            }
            Numbers::Integers(values)
        }
        (numbers, _) => numbers,
    };
    Ok(vec![call.tensor(x.shape(), Data::from_numbers(x.dtype(), &numbers))?])
}

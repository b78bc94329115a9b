//! Elements written by index.

use super::call::Call;
use super::gather::{axis_attribute, element_places, tuple_places};
use crate::error::Result;
use crate::params::operands::Operands;
use crate::tensor::{Data, HostTensor, Numbers};

pub(super) fn scatter_elements(call: &Call) -> Result<Vec<HostTensor>> {
    let (x, indices) = (call.operand(0)?, call.operand(1)?);
    let axis = axis_attribute(call, x.shape().len())?;
    let to = element_places(call, x.shape(), indices, axis)?;
    scattered(call, x, &to)
}

pub(super) fn scatter_nd(call: &Call) -> Result<Vec<HostTensor>> {
    let (x, indices) = (call.operand(0)?, call.operand(1)?);
    let (starts, run) = tuple_places(call, x.shape(), indices, 0)?;
    call.count(&[starts.len(), run])?;
    let to: Vec<usize> = starts.into_iter().flat_map(|start| start..start + run).collect();
    scattered(call, x, &to)
}

/// What an update does to the element that it meets.
#[derive(Clone, Copy)]
enum Update {
    Replace,
    Add,
    Multiply,
    Max,
    Min,
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
    let reduction = match call.node().attributes.string("reduction")?.unwrap_or("none") {
        "none" => Update::Replace,
        "add" => Update::Add,
        "mul" => Update::Multiply,
        "max" => Update::Max,
        "min" => Update::Min,
        other => return Err(call.node().attributes.wrong("reduction", format!("`{other}` is unknown"))),
    };
    let numbers = match (x.data().numbers(), updates.data().numbers()) {
        (Numbers::Floats(mut values), Numbers::Floats(updates)) => {
            for (&at, &update) in to.iter().zip(&updates) {
                values[at] = match reduction {
                    Update::Replace => update,
                    Update::Add => values[at] + update,
                    Update::Multiply => values[at] * update,
                    // A NaN stays, and one that comes wins.
                    Update::Max if values[at].is_nan() || values[at] >= update => values[at],
                    Update::Min if values[at].is_nan() || values[at] <= update => values[at],
                    Update::Max | Update::Min => update,
                };
            }
            Numbers::Floats(values)
        }
        (Numbers::Integers(mut values), Numbers::Integers(updates)) => {
            for (&at, &update) in to.iter().zip(&updates) {
                values[at] = match reduction {
                    Update::Replace => update,
                    Update::Add => values[at].wrapping_add(update),
                    Update::Multiply => values[at].wrapping_mul(update),
                    Update::Max => values[at].max(update),
                    Update::Min => values[at].min(update),
                };
            }
            Numbers::Integers(values)
        }
        (numbers, _) => numbers,
    };
    Ok(vec![call.tensor(x.shape(), Data::from_numbers(x.dtype(), &numbers))?])
}

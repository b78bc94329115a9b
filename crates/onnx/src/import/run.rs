//! Running a node: on the host if nothing that it reads depends on the inputs, else on the device.

use super::node::{Ctx, host};
use super::operators::{find, on_tensors};
use super::value::Value;
use crate::error::{Error, Result, UnsupportedOperator};
use crate::host::call::Call;
use crate::params::operands::Operands;
use crate::table::attributes;

/// Computes the node, on the host if nothing it reads depends on the inputs.
pub(super) fn run(ctx: &Ctx, budget: &mut usize) -> Result<Vec<Value>> {
    let known = ctx.inputs.iter().flatten().all(|value| matches!(value, Value::Host(_)));
    if known && ctx.written.is_none() {
        let operands = (0..ctx.inputs.len()).map(|at| ctx.constant(at)).collect::<Result<Vec<_>>>()?;
        match Call::new(ctx.node, operands).evaluate() {
            // Too large for the host: the device may do it.
            Some(Err(Error::TooLarge { .. })) if find(ctx.node).is_ok() => {}
            Some(results) => {
                let results = results?;
                for result in &results {
                    let bytes = result.count() * result.dtype().size();
                    *budget = budget.checked_sub(bytes).ok_or_else(|| Error::TooLarge {
                        node: ctx.node.place(),
                        elements: result.count() as u128,
                        limit: *budget / result.dtype().size(),
                    })?;
                }
                return Ok(results.into_iter().map(host).collect());
            }
            None => {}
        }
    }
    let operator = find(ctx.node).map_err(|reason| {
        let operator =
            UnsupportedOperator { operator: ctx.node.operator(), reason, nodes: vec![ctx.node.place()] };
        Error::UnsupportedOperators { operators: vec![operator] }
    })?;
    attributes::check(ctx.node)?;
    on_tensors(ctx, operator).map_err(|error| match error {
        Error::Tensor { source, .. } => Error::Tensor { node: ctx.node.place(), source },
        error => error,
    })
}

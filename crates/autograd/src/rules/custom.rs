//! Operations that another crate brings.

use tilewright_ops::Op;
use tilewright_tensor::{Tensor, function::Backward, function::function_of};

use crate::{
    error::{Error, Result},
    var::{Rule, Var},
};

/// Saves what the function says that its backward pass reads.
pub(super) fn custom(op: &Op, inputs: &[&Var], outputs: &[Tensor]) -> Result<Rule> {
    let saves = function_of(op)?.saves().ok_or(Error::NoGradient { op: op.name() })?;
    let operands: Vec<&Tensor> = inputs.iter().map(|input| input.tensor()).collect();
    let shapes: Vec<_> = operands.iter().map(|operand| operand.shape().to_vec()).collect();
    let [operands, results] = saves.pick(&operands, outputs);
    let op = op.clone();
    Ok(Box::new(move |gradients, needs| {
        let (operands, results, shapes) = (&operands[..], &results[..], &shapes[..]);
        let back = Backward { op: op.name(), operands, shapes, results, gradients: &gradients, needs };
        Ok(function_of(&op)?.backward(&back)?)
    }))
}

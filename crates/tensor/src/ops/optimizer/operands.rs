//! What steps check of their operands.

use tilewright_ops::ShapeError;

use crate::{error::Error, error::Result, layout::Layout, tensor::Tensor};

/// Refuses step 0.
pub(super) fn counted(op: &'static str, step: u32) -> Result<()> {
    if step > 0 {
        return Ok(());
    }
    let (value, hint) = ("0".to_owned(), "steps count from 1");
    Err(ShapeError::Parameter { op, parameter: "step", value, hint }.into())
}

/// The state that `parameter`, which is not 0 or false, asks for.
pub(super) fn wanted<'a>(
    op: &'static str,
    parameter: &'static str,
    value: impl ToString,
    state: Option<&'a Tensor>,
    hint: &'static str,
) -> Result<&'a Tensor> {
    state.ok_or_else(|| ShapeError::Parameter { op, parameter, value: value.to_string(), hint }.into())
}

/// Checks both, and returns the gradient in the parameter's layout.
pub(super) fn gradient(op: &'static str, param: &Tensor, grad: &Tensor) -> Result<Tensor> {
    param.refuse_symbolic(op)?;
    grad.refuse_symbolic(op)?;
    param.require_f32(op, "param")?;
    grad.require_f32(op, "grad")?;
    param.require_same_context(op, grad)?;
    param.require_shape(op, "grad", grad)?;
    grad.to_layout(param.layout())
}

/// Refuses a state that is no f32 tensor of the parameter's shape and layout.
pub(super) fn state(op: &'static str, operand: &'static str, param: &Tensor, state: &Tensor) -> Result<()> {
    state.refuse_symbolic(op)?;
    state.require_f32(op, operand)?;
    param.require_same_context(op, state)?;
    param.require_shape(op, operand, state)?;
    // What is written in place cannot be converted first.
    if state.layout() == param.layout() || Layout::coincide(param.shape()) {
        return Ok(());
    }
    Err(Error::Layout { op, operand, found: state.layout(), expected: param.layout() })
}

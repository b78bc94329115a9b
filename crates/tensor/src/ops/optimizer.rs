//! Optimizer steps. They are the one exception to the rule that an operation never writes to an operand: a step writes
//! the new values into the memory of the parameter and of its state, so that every clone of these tensors, and every
//! reshaped one, sees them.

use tilewright_kernels::optimizer;
use tilewright_ops::{AdamW, Sgd, ShapeError};

use crate::{error::Error, error::Result, large, layout::Layout, tensor::Tensor};

/// One step of [`Sgd`] in place. `momentum_buffer` is wanted where `op.momentum` is not 0, and is not looked at
/// otherwise; it lies as `param` does. At the `first` step it becomes the gradient, without dampening, and what it held
/// before does not matter. `grad` may have another layout than `param`.
///
/// # Errors
/// Those of [`Sgd::check`]; [`ShapeError::Operand`] where shapes differ; [`ShapeError::Parameter`] for momentum without a
/// buffer; [`Error::Layout`] for a buffer that lies otherwise than `param`; [`Error::DType`] unless all are f32.
pub fn sgd_step(
    param: &Tensor,
    grad: &Tensor,
    momentum_buffer: Option<&Tensor>,
    first: bool,
    op: &Sgd,
) -> Result<()> {
    let name = "sgd";
    op.check()?;
    let grad = gradient(name, param, grad)?;
    let context = param.context();
    if op.momentum == 0.0 {
        return large::in_place(&[param, &grad], 1, |part| {
            let [param, grad] = [0, 1].map(|at| part[at].buffer());
            Ok(optimizer::sgd(context, op, grad, param, part[0].count())?)
        });
    }
    let Some(buffer) = momentum_buffer else {
        return Err(ShapeError::Parameter {
            op: name,
            parameter: "momentum",
            value: op.momentum.to_string(),
            hint: "pass a momentum buffer of the parameter's shape, or use momentum 0",
        }
        .into());
    };
    state(name, "momentum_buffer", param, buffer)?;
    large::in_place(&[param, buffer, &grad], 2, |part| {
        let [param, buffer, grad] = [0, 1, 2].map(|at| part[at].buffer());
        Ok(optimizer::sgd_momentum(context, op, grad, param, buffer, first, part[0].count())?)
    })
}

/// Step number `step` (the first is 1) of [`AdamW`] in place. Both moments start as zeros and lie as `param` does; `grad`
/// may have another layout.
///
/// # Errors
/// Those of [`AdamW::check`]; [`ShapeError::Operand`] where shapes differ; [`ShapeError::Parameter`] for step 0;
/// [`Error::Layout`] for a moment that lies otherwise than `param`; [`Error::DType`] unless all are f32.
pub fn adamw_step(
    param: &Tensor,
    grad: &Tensor,
    first_moment: &Tensor,
    second_moment: &Tensor,
    step: u32,
    op: &AdamW,
) -> Result<()> {
    let name = "adamw";
    op.check()?;
    if step == 0 {
        let (value, hint) = ("0".to_owned(), "steps count from 1");
        return Err(ShapeError::Parameter { op: name, parameter: "step", value, hint }.into());
    }
    let grad = gradient(name, param, grad)?;
    state(name, "first_moment", param, first_moment)?;
    state(name, "second_moment", param, second_moment)?;
    let context = param.context();
    large::in_place(&[param, first_moment, second_moment, &grad], 3, |part| {
        let [param, first, second, grad] = [0, 1, 2, 3].map(|at| part[at].buffer());
        Ok(optimizer::adamw(context, op, step, grad, param, first, second, part[0].count())?)
    })
}

/// Checks both, and returns the gradient in the parameter's layout.
fn gradient(op: &'static str, param: &Tensor, grad: &Tensor) -> Result<Tensor> {
    param.refuse_symbolic(op)?;
    grad.refuse_symbolic(op)?;
    param.require_f32(op, "param")?;
    grad.require_f32(op, "grad")?;
    param.require_same_context(op, grad)?;
    param.require_shape(op, "grad", grad)?;
    grad.to_layout(param.layout())
}

fn state(op: &'static str, operand: &'static str, param: &Tensor, state: &Tensor) -> Result<()> {
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

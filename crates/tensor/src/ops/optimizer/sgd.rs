//! Stochastic gradient descent.

use tilewright_kernels::optimizer;
use tilewright_ops::Sgd;

use super::operands::{gradient, state, wanted};
use crate::{error::Result, large, tensor::Tensor};

/// One step of [`Sgd`] in place. `momentum_buffer` is wanted where `op.momentum` is not 0, and is not looked at
/// otherwise; it lies as `param` does. At the `first` step it becomes the gradient, without dampening, and what it held
/// before does not matter. `grad` may have another layout than `param`.
///
/// # Errors
/// Those of [`Sgd::check`]; [`tilewright_ops::ShapeError::Operand`] where shapes differ; [`tilewright_ops::ShapeError::Parameter`] for momentum without a
/// buffer; [`crate::Error::Layout`] for a buffer that lies otherwise than `param`; [`crate::Error::DType`] unless all are f32.
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
    let hint = "pass a momentum buffer of the parameter's shape, or use momentum 0";
    let buffer = wanted(name, "momentum", op.momentum, momentum_buffer, hint)?;
    state(name, "momentum_buffer", param, buffer)?;
    large::in_place(&[param, buffer, &grad], 2, |part| {
        let [param, buffer, grad] = [0, 1, 2].map(|at| part[at].buffer());
        Ok(optimizer::sgd_momentum(context, op, grad, param, buffer, first, part[0].count())?)
    })
}

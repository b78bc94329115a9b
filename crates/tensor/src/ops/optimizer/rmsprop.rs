//! RMSprop.

use tilewright_kernels::optimizer;
use tilewright_ops::RmsProp;

use super::operands::{gradient, state, wanted};
use crate::{error::Result, large, tensor::Tensor};

/// What [`rmsprop_step`] keeps of a parameter: tensors that start as zeros and lie as the parameter does.
#[derive(Clone, Copy, Debug)]
pub struct RmsPropState<'a> {
    /// PyTorch's `square_avg`.
    pub square: &'a Tensor,
    /// PyTorch's `grad_avg`: wanted where `centered` is set, and not looked at otherwise.
    pub mean: Option<&'a Tensor>,
    /// PyTorch's `momentum_buffer`: wanted where `momentum` is not 0, and not looked at otherwise.
    pub momentum_buffer: Option<&'a Tensor>,
}

/// One step of [`RmsProp`] in place. `grad` may have another layout than `param`.
///
/// # Errors
/// Those of [`RmsProp::check`]; [`tilewright_ops::ShapeError::Operand`] where shapes differ;
/// [`tilewright_ops::ShapeError::Parameter`] for a state that is wanted and not there; [`crate::Error::Layout`] for a
/// state that lies otherwise than `param`; [`crate::Error::DType`] unless all are f32.
pub fn rmsprop_step(param: &Tensor, grad: &Tensor, kept: RmsPropState<'_>, op: &RmsProp) -> Result<()> {
    let name = "rmsprop";
    op.check()?;
    let grad = gradient(name, param, grad)?;
    state(name, "square", param, kept.square)?;
    let (centered, moves) = (op.centered, op.momentum != 0.0);
    let mut tensors = vec![param, kept.square];
    if centered {
        let hint = "pass a tensor for the mean of the gradients, or use an RMSprop that is not centred";
        let mean = wanted(name, "centered", true, kept.mean, hint)?;
        state(name, "mean", param, mean)?;
        tensors.push(mean);
    }
    if moves {
        let hint = "pass a momentum buffer of the parameter's shape, or use momentum 0";
        let buffer = wanted(name, "momentum", op.momentum, kept.momentum_buffer, hint)?;
        state(name, "momentum_buffer", param, buffer)?;
        tensors.push(buffer);
    }
    let (context, written) = (param.context(), tensors.len());
    tensors.push(&grad);
    large::in_place(&tensors, written, |part| {
        let mean = centered.then(|| part[2].buffer());
        let buffer = moves.then(|| part[written - 1].buffer());
        let [param, square, grad] = [0, 1, written].map(|at| part[at].buffer());
        Ok(optimizer::rmsprop(context, op, grad, param, square, mean, buffer, part[0].count())?)
    })
}

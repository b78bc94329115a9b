//! Adam.

use tilewright_kernels::optimizer;
use tilewright_ops::Adam;

use super::operands::{counted, gradient, state, wanted};
use crate::{error::Result, large, tensor::Tensor};

/// What [`adam_step`] keeps of a parameter: tensors that start as zeros and lie as the parameter does.
#[derive(Clone, Copy, Debug)]
pub struct AdamState<'a> {
    /// PyTorch's `exp_avg`.
    pub first_moment: &'a Tensor,
    /// PyTorch's `exp_avg_sq`.
    pub second_moment: &'a Tensor,
    /// PyTorch's `max_exp_avg_sq`: wanted where `amsgrad` is set, and not looked at otherwise.
    pub largest_second_moment: Option<&'a Tensor>,
}

/// Step number `step` (the first is 1) of [`Adam`] in place. `grad` may have another layout than `param`.
///
/// # Errors
/// Those of [`Adam::check`]; [`tilewright_ops::ShapeError::Operand`] where shapes differ;
/// [`tilewright_ops::ShapeError::Parameter`] for step 0, and AMSGrad without its state; [`crate::Error::Layout`] for a
/// state that lies otherwise than `param`; [`crate::Error::DType`] unless all are f32.
pub fn adam_step(param: &Tensor, grad: &Tensor, kept: AdamState<'_>, step: u32, op: &Adam) -> Result<()> {
    let name = "adam";
    op.check()?;
    counted(name, step)?;
    let grad = gradient(name, param, grad)?;
    let AdamState { first_moment, second_moment, largest_second_moment } = kept;
    state(name, "first_moment", param, first_moment)?;
    state(name, "second_moment", param, second_moment)?;
    let context = param.context();
    if !op.amsgrad {
        return large::in_place(&[param, first_moment, second_moment, &grad], 3, |part| {
            let [param, first, second, grad] = [0, 1, 2, 3].map(|at| part[at].buffer());
            let (moments, count) = ([first, second], part[0].count());
            Ok(optimizer::adam(context, op, step, grad, param, moments, None, count)?)
        });
    }
    let hint = "pass a tensor for the largest second moment, or use no AMSGrad";
    let largest = wanted(name, "amsgrad", true, largest_second_moment, hint)?;
    state(name, "largest_second_moment", param, largest)?;
    large::in_place(&[param, first_moment, second_moment, largest, &grad], 4, |part| {
        let [param, first, second, largest, grad] = [0, 1, 2, 3, 4].map(|at| part[at].buffer());
        let (moments, count) = ([first, second], part[0].count());
        Ok(optimizer::adam(context, op, step, grad, param, moments, Some(largest), count)?)
    })
}

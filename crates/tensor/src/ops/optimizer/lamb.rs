//! LAMB.

use tilewright_kernels::optimizer;
use tilewright_ops::Lamb;

use super::{
    norm::total_norm,
    operands::{counted, gradient, state},
};
use crate::{error::Result, large, tensor::Tensor};

/// Step number `step` (the first is 1) of [`Lamb`] in place. Both moments start as zeros and lie as `param` does; `grad`
/// may have another layout. The norms stay on the device.
///
/// # Errors
/// Those of [`Lamb::check`]; [`tilewright_ops::ShapeError::Operand`] where shapes differ;
/// [`tilewright_ops::ShapeError::Parameter`] for step 0; [`crate::Error::Layout`] for a
/// state that lies otherwise than `param`; [`crate::Error::DType`] unless all are f32.
pub fn lamb_step(
    param: &Tensor,
    grad: &Tensor,
    first_moment: &Tensor,
    second_moment: &Tensor,
    step: u32,
    op: &Lamb,
) -> Result<()> {
    let name = "lamb";
    op.check()?;
    counted(name, step)?;
    let grad = gradient(name, param, grad)?;
    state(name, "first_moment", param, first_moment)?;
    state(name, "second_moment", param, second_moment)?;
    let context = param.context();
    let direction = Tensor::empty(context, param.shape(), param.dtype(), param.layout())?;
    large::in_place(&[first_moment, second_moment, &direction, &grad, param], 3, |part| {
        let [first, second, direction, grad, param] = [0, 1, 2, 3, 4].map(|at| part[at].buffer());
        let (moments, count) = ([first, second], part[0].count());
        Ok(optimizer::lamb_direction(context, op, step, grad, param, moments, direction, count)?)
    })?;
    let norms = [total_norm(context, &[param], 2.0)?, total_norm(context, &[&direction], 2.0)?];
    let [of_param, of_direction] = [norms[0].reshape(&[1])?, norms[1].reshape(&[1])?];
    let norms = Tensor::concat(&[&of_param, &of_direction], 0)?;
    large::in_place(&[param, &direction], 1, |part| {
        let [param, direction] = [0, 1].map(|at| part[at].buffer());
        Ok(optimizer::lamb_apply(context, op, direction, param, norms.buffer(), part[0].count())?)
    })
}

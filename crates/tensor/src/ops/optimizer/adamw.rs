//! Adam with decoupled weight decay.

use tilewright_kernels::optimizer;
use tilewright_ops::AdamW;

use super::operands::{counted, gradient, state};
use crate::{error::Result, large, tensor::Tensor};

/// Step number `step` (the first is 1) of [`AdamW`] in place. Both moments start as zeros and lie as `param` does; `grad`
/// may have another layout.
///
/// # Errors
/// Those of [`AdamW::check`]; [`tilewright_ops::ShapeError::Operand`] where shapes differ; [`tilewright_ops::ShapeError::Parameter`] for step 0;
/// [`crate::Error::Layout`] for a moment that lies otherwise than `param`; [`crate::Error::DType`] unless all are f32.
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
    counted(name, step)?;
    let grad = gradient(name, param, grad)?;
    state(name, "first_moment", param, first_moment)?;
    state(name, "second_moment", param, second_moment)?;
    let context = param.context();
    large::in_place(&[param, first_moment, second_moment, &grad], 3, |part| {
        let [param, first, second, grad] = [0, 1, 2, 3].map(|at| part[at].buffer());
        Ok(optimizer::adamw(context, op, step, grad, param, first, second, part[0].count())?)
    })
}

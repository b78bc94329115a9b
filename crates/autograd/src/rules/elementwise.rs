//! Unary and binary operations, casts, a choice.

use tilewright_ops::{BinaryOp, DType, Gradient, UnaryOp};
use tilewright_tensor::Tensor;

use super::rule::{Backward, run_over, simple, wanted};
use crate::{
    error::Result,
    keep::{Kept, Recipe},
    var::Rule,
    var::Var,
    var::of_one,
};

/// Saves the operand.
pub(super) fn unary(op: UnaryOp, x: &Var) -> Rule {
    let x = x.keep();
    simple(move |grad_y| masked(op, &x.get()?, grad_y))
}

/// `grad_y · op'(x)`.
fn masked(op: UnaryOp, x: &Tensor, grad_y: &Tensor) -> Result<Tensor> {
    let mut found = run_over(Gradient::Unary(op), &[x, grad_y], 1)?;
    Ok(found.swap_remove(0))
}

/// A function of what can be made again can be.
pub(super) fn again(op: UnaryOp, x: &Var) -> Option<Recipe> {
    let x = x.recipe()?.clone();
    let sums = x.sums;
    Some(Recipe::new(move || Ok(x.make()?.unary(op)?)).with_sums(sums))
}

/// Saves the operands where the rule reads them.
pub(super) fn binary(op: BinaryOp, inputs: &[&Var]) -> Rule {
    let [a, b] = [inputs[0], inputs[1]];
    if let BinaryOp::Add | BinaryOp::Sub = op {
        // The gradient of a sum reads only shapes: the values may go.
        let (a_shape, b_shape) = (a.shape().to_vec(), b.shape().to_vec());
        return of_one(move |grad_y, needs| {
            wanted(
                needs,
                [&|| Ok(grad_y.sum_to_shape(&a_shape)?), &|| {
                    let grad = grad_y.sum_to_shape(&b_shape)?;
                    Ok(if op == BinaryOp::Sub { grad.unary(UnaryOp::Neg)? } else { grad })
                }],
            )
        });
    }
    let (a, b) = (a.tensor().clone(), b.tensor().clone());
    of_one(move |grad_y, needs| Ok(a.binary_backward(op, &b, grad_y, [needs[0], needs[1]])?.into()))
}

/// A sum with a relu of which one operand can be made again is made again from both, unless that takes another such sum. An operand
/// that is held is as large as the result, and the first layer of the block that it went through holds it anyway.
pub(super) fn again_sum(inputs: &[&Var]) -> Option<Recipe> {
    let [a, b] = [inputs[0], inputs[1]];
    let deep = [a, b].iter().any(|operand| operand.recipe().is_some_and(|recipe| recipe.sums));
    let none = a.recipe().is_none() && b.recipe().is_none();
    if deep || none || a.shape() != b.shape() {
        return None;
    }
    let [a, b] = [a.keep(), b.keep()];
    Some(Recipe::new(move || Ok(a.get()?.add_relu(&b.get()?)?)).with_sums(true))
}

/// A sum with a relu. Saves the result, by which the gradient is masked, unless it can be made again.
pub(super) fn add_relu(inputs: &[&Var], y: &Tensor) -> Rule {
    let shapes = [inputs[0].shape().to_vec(), inputs[1].shape().to_vec()];
    let kept = again_sum(inputs).map_or_else(|| Kept::Held(y.clone()), Kept::Again);
    of_one(move |grad_y, needs| {
        // The result is positive where the sum is: it serves as the operand.
        let grad = masked(UnaryOp::Relu, &kept.get()?, grad_y)?;
        drop(kept);
        wanted(needs, [&|| Ok(grad.sum_to_shape(&shapes[0])?), &|| Ok(grad.sum_to_shape(&shapes[1])?)])
    })
}

/// Saves the condition, which gets no gradient.
pub(super) fn choose(inputs: &[&Var]) -> Rule {
    let condition = inputs[0].tensor().clone();
    let shapes = [inputs[1].shape().to_vec(), inputs[2].shape().to_vec()];
    of_one(move |grad_y, needs| {
        let zero = Tensor::zeros(grad_y.context(), &[])?;
        let chosen = needs[1].then(|| grad_y.where_on(&condition, &zero)?.sum_to_shape(&shapes[0]));
        let others = needs[2].then(|| zero.where_on(&condition, grad_y)?.sum_to_shape(&shapes[1]));
        Ok(vec![None, chosen.transpose()?, others.transpose()?])
    })
}

/// Between f32 and f16 the gradient is cast back; an integer has none.
pub(super) fn cast(from: DType, to: DType) -> Backward {
    let float = |dtype| matches!(dtype, DType::F32 | DType::F16);
    if float(from) && float(to) {
        return Backward::Rule(simple(move |grad_y| Ok(grad_y.cast(from)?)));
    }
    Backward::Nothing
}

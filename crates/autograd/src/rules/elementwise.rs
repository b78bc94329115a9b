//! Unary and binary operations, casts, a choice.

use std::sync::Arc;

use tilewright_ops::{BinaryOp, DType, UnaryOp};
use tilewright_tensor::Tensor;

use super::rule::{Backward, simple, wanted};
use crate::{keep::Recipe, var::Rule, var::Var, var::of_one};

/// Saves the operand.
pub(super) fn unary(op: UnaryOp, x: &Var) -> Rule {
    let x = x.keep();
    simple(move |grad_y| Ok(x.get()?.unary_backward(op, grad_y)?))
}

/// A function of what can be made again can be.
pub(super) fn again(op: UnaryOp, x: &Var) -> Option<Recipe> {
    let x = x.recipe()?.clone();
    Some(Arc::new(move || Ok(x()?.unary(op)?)))
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

/// A sum with a relu. Saves the result, by which the gradient is masked.
pub(super) fn add_relu(inputs: &[&Var], y: &Tensor) -> Rule {
    let shapes = [inputs[0].shape().to_vec(), inputs[1].shape().to_vec()];
    let kept = y.clone();
    of_one(move |grad_y, needs| {
        // The result is positive where the sum is: it serves as the operand.
        let grad = kept.unary_backward(UnaryOp::Relu, grad_y)?;
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

//! Elements by index, and to their index: each is the other's gradient.

use tilewright_ops::{BinaryOp, Op, ScatterReduction};
use tilewright_tensor::Tensor;

use super::rule::wanted;
use crate::{error::Result, var::Rule, var::of_one};

/// Saves the indices. An element that is taken several times gets the sum, added in the order of the indices.
pub(super) fn gathered(op: &Op, x: &Tensor, indices: &Tensor) -> Rule {
    let (back, shape, indices) =
        (counterpart(op, ScatterReduction::Add), x.shape().to_vec(), indices.clone());
    of_one(move |grad_y, needs| {
        let by_x = || -> Result<Tensor> {
            let zeros = Tensor::zeros(grad_y.context(), &[])?.expand(&shape)?;
            Ok(Tensor::run_one(&back, &[&zeros, &indices, grad_y])?)
        };
        Ok(vec![needs[0].then(by_x).transpose()?, None])
    })
}

/// Saves the indices; nothing where the gradient is not known. What is put over another takes its gradient, as in PyTorch all
/// that name one place do. A maximum or minimum saves x, the updates and the result besides: all that are equal to it share
/// its gradient.
pub(super) fn scattered(
    op: &Op,
    reduction: ScatterReduction,
    [x, indices, updates]: [&Tensor; 3],
    y: &Tensor,
) -> Option<Rule> {
    let replaces = match reduction {
        ScatterReduction::Replace => true,
        ScatterReduction::Add => false,
        ScatterReduction::Max | ScatterReduction::Min => return Some(extremes(op, [x, indices, updates], y)),
        ScatterReduction::Mul => return None,
    };
    let (op, back, indices) = (op.clone(), counterpart(op, reduction), indices.clone());
    Some(of_one(move |grad_y, needs| {
        let by_updates = || -> Result<Tensor> { Ok(Tensor::run_one(&back, &[grad_y, &indices])?) };
        let by_x = || -> Result<Tensor> {
            if !replaces {
                return Ok(grad_y.clone());
            }
            let shape = back.output_shape(&[grad_y.shape(), indices.shape()])?;
            let zeros = Tensor::zeros(grad_y.context(), &[])?.expand(&shape)?;
            Ok(Tensor::run_one(&op, &[grad_y, &indices, &zeros])?)
        };
        let mut found = wanted(&[needs[0], needs[2]], [&by_x, &by_updates])?;
        found.insert(1, None);
        Ok(found)
    }))
}

fn extremes(op: &Op, [x, indices, updates]: [&Tensor; 3], y: &Tensor) -> Rule {
    let back = counterpart(op, ScatterReduction::Add);
    let add = counterpart(&back, ScatterReduction::Add);
    let (x, indices, updates, y) = (x.clone(), indices.clone(), updates.clone(), y.clone());
    of_one(move |grad_y, needs| {
        let here = x.binary(BinaryOp::Equal, &y)?;
        let chosen = updates.binary(BinaryOp::Equal, &Tensor::run_one(&back, &[&y, &indices])?)?;
        // How many share; none where all are NaN, whose gradient is lost.
        let count = Tensor::run_one(&add, &[&here, &indices, &chosen])?;
        let share = grad_y.div(&count)?;
        let zero = Tensor::zeros(grad_y.context(), &[])?;
        let by_x = || -> Result<Tensor> { Ok(share.where_on(&here, &zero)?) };
        let by_updates = || -> Result<Tensor> {
            let taken = Tensor::run_one(&back, &[&share, &indices])?;
            Ok(taken.where_on(&chosen, &zero)?)
        };
        let mut found = wanted(&[needs[0], needs[2]], [&by_x, &by_updates])?;
        found.insert(1, None);
        Ok(found)
    })
}

/// The operation that goes the other way.
fn counterpart(op: &Op, reduction: ScatterReduction) -> Op {
    match *op {
        Op::Gather { axis } => Op::Scatter { axis, reduction },
        Op::GatherElements { axis } => Op::ScatterElements { axis, reduction },
        Op::GatherNd { batch } => Op::ScatterNd { batch, reduction },
        Op::Scatter { axis, .. } => Op::Gather { axis },
        Op::ScatterElements { axis, .. } => Op::GatherElements { axis },
        Op::ScatterNd { batch, .. } => Op::GatherNd { batch },
        ref other => other.clone(),
    }
}

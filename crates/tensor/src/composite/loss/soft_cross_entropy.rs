//! Cross-entropy against probabilities.

use tilewright_ops::{LogSoftmax, Op, ReduceOp, Reduction};

use super::join::{join, same};
use crate::composite::operand::{Operand, operand, parameter, rank};

/// −Σ w · t · log softmax(x) over the classes of logits N C … and targets of the shape, which are probabilities:
/// `torch.nn.functional.cross_entropy` with such targets, as mixup, CutMix and distillation make them. `weights` has shape `[C]`. Label
/// smoothing ε makes a target (1 − ε) t + ε / C. There is a loss for each sample and place; the mean divides by their number, whatever
/// the weights.
///
/// # Errors
/// Those of [this module](super); smoothing outside 0 ..= 1.
pub fn soft_cross_entropy<V: Operand>(
    x: &V,
    target: &V,
    weights: Option<&V>,
    label_smoothing: f32,
    reduction: Reduction,
) -> Result<V, V::Error> {
    let op = "soft_cross_entropy";
    same(op, "target", x, target)?;
    let [_, classes, ..] = x.shape() else {
        return Err(rank::<V>(op, "x", x.shape(), "two or more (N C …)"));
    };
    let classes = *classes;
    if !(0.0..=1.0).contains(&label_smoothing) {
        return Err(parameter::<V>(op, "label_smoothing", label_smoothing, "it must be between 0 and 1"));
    }
    let mut target = target.clone();
    if label_smoothing > 0.0 {
        target = target.scale(1.0 - label_smoothing)?.plus(label_smoothing / classes.max(1) as f32)?;
    }
    if let Some(weights) = weights {
        if weights.shape() != [classes] {
            return Err(operand::<V>(op, "weights", weights.shape(), &[classes]));
        }
        let mut along = vec![1; x.shape().len()];
        along[1] = classes;
        target = target.mul(&weights.with_shape(&along)?)?;
    }
    let logs = V::apply_one(&Op::LogSoftmax(LogSoftmax { axis: 1 }), &[x])?;
    join(logs.mul(&target)?.reduce(ReduceOp::Sum, &[1], false)?.scale(-1.0)?, reduction)
}

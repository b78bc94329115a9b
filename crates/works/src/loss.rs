//! Losses, in bytes of logits.

use tilewright_ops::{CrossEntropy, Reduction, UnaryOp};
use tilewright_runtime::Context;
use tilewright_tensor::{Result, Tensor, composite::loss as composed};

use crate::{
    sizes::tensor,
    work::{Rows, Work},
};

/// Cross-entropy of CIFAR's and ImageNet's classes and its gradient, and losses of many logits that are composed of other
/// operations, forward alone.
///
/// # Errors
/// Those of making the operands.
pub fn loss(context: &Context) -> Result<Vec<Work>> {
    let op = CrossEntropy::default();
    let mut rows = Rows::new();
    for shape in [[128, 10], [256, 1000]] {
        let logits = tensor(context, &shape)?;
        let labels: Vec<i32> = (0..shape[0]).map(|sample| (sample % shape[1]) as i32).collect();
        let labels = Tensor::from_slice(context, &labels, &shape[..1])?;
        let one = Tensor::ones(context, &[])?;
        rows.of(&logits);
        let (x, to) = (logits.clone(), labels.clone());
        rows.add("cross_entropy", 1.0, move || x.cross_entropy(&to, None, &op));
        rows.add("cross_entropy backward", 2.0, move || {
            logits.cross_entropy_backward(&labels, None, &op, &one)
        });
    }
    let x = tensor(context, &[64, 21, 64, 64])?;
    let target = x.unary(UnaryOp::Sigmoid)?;
    rows.of(&x);
    let (a, b) = (x.clone(), target.clone());
    rows.add("binary_cross_entropy_with_logits", 2.0, move || {
        composed::binary_cross_entropy_with_logits(&a, &b, None, None, Reduction::Mean)
    });
    let (a, b) = (x.clone(), target.clone());
    rows.add("sigmoid_focal_loss", 2.0, move || {
        composed::sigmoid_focal_loss(&a, &b, Some(0.25), 2.0, Reduction::Mean)
    });
    let (a, b) = (x.clone(), target.clone());
    rows.add("smooth_l1_loss", 2.0, move || composed::smooth_l1_loss(&a, &b, 1.0, Reduction::Mean));
    let (a, b) = (x.clone(), target.clone());
    rows.add("soft_cross_entropy", 2.0, move || {
        composed::soft_cross_entropy(&a, &b, None, 0.0, Reduction::Mean)
    });
    rows.add("dice_loss", 2.0, move || composed::dice_loss(&target, &target, 1.0, Reduction::Mean));
    Ok(rows.done())
}

//! Cross-entropy, in bytes of logits.

use tilewright_ops::CrossEntropy;
use tilewright_runtime::Context;
use tilewright_tensor::{Result, Tensor};

use crate::{
    sizes::tensor,
    work::{Rows, Work},
};

/// Cross-entropy of CIFAR's and ImageNet's classes, and its gradient.
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
    Ok(rows.done())
}

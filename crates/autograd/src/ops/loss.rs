//! Losses.

use tilewright_ops::CrossEntropy;
use tilewright_tensor::Tensor;

use crate::{Result, Var};

impl Var {
    /// Cross entropy of logits N C … against i32 labels N …, with an optional weight for each class. Saves the logits.
    pub fn cross_entropy(
        &self,
        labels: &Tensor,
        class_weights: Option<&Tensor>,
        op: &CrossEntropy,
    ) -> Result<Self> {
        let (logits, labels, op) = (self.tensor().clone(), labels.clone(), *op);
        let class_weights = class_weights.cloned();
        let y = logits.cross_entropy(&labels, class_weights.as_ref(), &op)?;
        Ok(Self::custom("cross_entropy", &[self], y, move |grad_y, _| {
            Ok(vec![Some(logits.cross_entropy_backward(&labels, class_weights.as_ref(), &op, grad_y)?)])
        }))
    }
}

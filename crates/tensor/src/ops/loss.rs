//! Cross-entropy.

use tilewright_ops::{CrossEntropy, Gradient, Op};

use crate::{error::Result, tensor::Tensor};

impl Tensor {
    /// The cross-entropy of these logits, of shape N C …, against i32 labels of shape N …, with PyTorch's semantics; see
    /// [`CrossEntropy`]. `weights` has shape C. The result has shape `[]`, or the labels' with
    /// [`tilewright_ops::Reduction::None`].
    ///
    /// Labels lie on the device and are not checked here: one that is neither a class nor ignored makes the loss NaN.
    /// [`CrossEntropy::check_labels`] finds it on the host, before the upload.
    ///
    /// # Errors
    /// Those of [`CrossEntropy::dims`]; [`tilewright_ops::ShapeError::Operand`] for weights of another shape;
    /// [`crate::Error::DType`].
    pub fn cross_entropy(&self, labels: &Self, weights: Option<&Self>, op: &CrossEntropy) -> Result<Self> {
        let inputs: Vec<_> = [self, labels].into_iter().chain(weights).collect();
        Self::run_one(&Op::CrossEntropy { op: *op, weights: weights.is_some() }, &inputs)
    }

    /// The gradient of the logits, where `self` is the logits and `grad_y` has the shape of [`Self::cross_entropy`]'s
    /// result. It lies as the logits do.
    ///
    /// # Errors
    /// As [`Self::cross_entropy`], and [`tilewright_ops::ShapeError::Operand`] where grad_y has another shape.
    pub fn cross_entropy_backward(
        &self,
        labels: &Self,
        weights: Option<&Self>,
        op: &CrossEntropy,
        grad_y: &Self,
    ) -> Result<Self> {
        let inputs: Vec<_> = [self, labels, grad_y].into_iter().chain(weights).collect();
        let gradient = Gradient::CrossEntropy { op: *op, weights: weights.is_some() };
        Self::run_one(&Op::Gradient(gradient), &inputs)
    }
}

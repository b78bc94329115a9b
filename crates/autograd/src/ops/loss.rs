//! Losses.

use tilewright_ops::{CrossEntropy, Op};
use tilewright_tensor::Tensor;

use crate::{error::Result, var::Var};

impl Var {
    /// Cross-entropy of logits `[N, C, …]` against class numbers. Saves logits, labels and class weights.
    pub fn cross_entropy(
        &self,
        labels: &Tensor,
        class_weights: Option<&Tensor>,
        op: &CrossEntropy,
    ) -> Result<Self> {
        let labels = Self::constant(labels.clone());
        let weights = class_weights.map(|weights| Self::constant(weights.clone()));
        let inputs: Vec<_> = [self, &labels].into_iter().chain(&weights).collect();
        Self::run_one(&Op::CrossEntropy { op: *op, weights: weights.is_some() }, &inputs)
    }
}

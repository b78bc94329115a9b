//! Classification where a sample may be of several classes.

use tilewright_autograd::Var;
use tilewright_nn::{HostTensor, Name, OUTPUT, Values};
use tilewright_ops::UnaryOp;
use tilewright_tensor::Tensor;

use crate::{auxiliary, error::Error, error::Result, loader::TARGET, source::Batch, task::Task};

/// Binary cross entropy of scores (N × classes) against marks of 1 and 0 (N × classes), each class by itself, the mean over
/// both; with the metrics `accuracy`, the part of all marks that are answered rightly, and `exact`, the part of the samples
/// of which all are.
///
/// The losses of outputs `aux1` and `aux2`, which GoogLeNet may have in training, are added 0.3 times.
#[derive(Clone, Debug)]
pub struct MultiLabel {
    output: Name,
    target: Name,
}

impl Default for MultiLabel {
    /// Of the output `output` and the target `target`.
    fn default() -> Self {
        Self { output: OUTPUT.into(), target: TARGET.into() }
    }
}

impl MultiLabel {
    /// Of another output and another target.
    #[must_use]
    pub fn of(output: impl Into<Name>, target: impl Into<Name>) -> Self {
        Self { output: output.into(), target: target.into() }
    }
}

impl Task for MultiLabel {
    fn loss(&self, outputs: &Values, targets: &Values) -> Result<Var> {
        let marks = targets.get(&self.target)?;
        auxiliary::with_heads(outputs, &self.output, auxiliary::WEIGHT, |scores| {
            // log(1 + e^x) − x·y is the same as −y·log σ(x) − (1 − y)·log(1 − σ(x)), without its overflow.
            let losses = scores.unary(UnaryOp::Softplus)?.sub(&scores.mul(marks)?)?;
            let axes: Vec<usize> = (0..losses.shape().len()).collect();
            Ok(losses.mean(&axes, false)?)
        })
    }

    fn metrics(&self) -> Vec<&'static str> {
        vec!["accuracy", "exact"]
    }

    fn observe(&self, outputs: &Values) -> Result<Vec<Tensor>> {
        Ok(vec![outputs.get(&self.output)?.tensor().clone()])
    }

    fn score(&self, observed: &[HostTensor], batch: &Batch) -> Result<Vec<f64>> {
        let (Some(HostTensor::F32(scores, _)), Some(HostTensor::F32(marks, shape))) =
            (observed.first(), batch.find_target(&self.target))
        else {
            let reason = format!("the target `{}` is to hold 1 and 0 for each class, in f32", self.target);
            return Err(Error::Option { option: "MultiLabel", reason });
        };
        let classes = shape.last().copied().unwrap_or(1).max(1);
        let (mut right, mut exact) = (0usize, 0usize);
        for (scores, marks) in scores.chunks(classes).zip(marks.chunks(classes)) {
            // A probability of a half is a score of 0.
            let found =
                scores.iter().zip(marks).filter(|(score, mark)| (**score > 0.0) == (**mark > 0.5)).count();
            right += found;
            exact += usize::from(found == marks.len());
        }
        Ok(vec![right as f64 / classes as f64, exact as f64])
    }
}

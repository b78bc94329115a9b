//! Classification by one network output of scores for each class.

use tilewright_autograd::Var;
use tilewright_nn::{HostTensor, Name, OUTPUT, Values};
use tilewright_ops::{CrossEntropy, Reduction};
use tilewright_tensor::Tensor;

use crate::{auxiliary, error::Error, error::Result, loader::TARGET, source::Batch, task::Sums, task::Task};

/// Cross entropy of scores (N × classes) against class numbers (N), with the metric `accuracy`.
///
/// The losses of outputs `aux1` and `aux2`, which GoogLeNet may have in training, are added with a weight.
#[derive(Clone, Debug)]
pub struct Classification {
    output: Name,
    target: Name,
    /// The loss in training; evaluation takes it without label smoothing, and of the output alone.
    loss: CrossEntropy,
    auxiliary: f32,
}

impl Default for Classification {
    /// Of the output `output` and the target `target`, without label smoothing.
    fn default() -> Self {
        Self::new(CrossEntropy::default())
    }
}

/// What a network says of each sample, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answers {
    /// The class with the highest score, the first of equals.
    pub predicted: Vec<usize>,
    /// Its probability.
    pub confidence: Vec<f32>,
}

impl Classification {
    /// Of the output `output` and the target `target`, by this loss.
    pub fn new(loss: CrossEntropy) -> Self {
        Self { output: OUTPUT.into(), target: TARGET.into(), loss, auxiliary: auxiliary::WEIGHT }
    }

    /// Of another output and another target.
    #[must_use]
    pub fn of(mut self, output: impl Into<Name>, target: impl Into<Name>) -> Self {
        (self.output, self.target) = (output.into(), target.into());
        self
    }

    /// With another weight of each auxiliary head's loss; GoogLeNet's authors train with 0.3 (arXiv 1409.4842, §5).
    #[must_use]
    pub fn auxiliary(mut self, weight: f32) -> Self {
        self.auxiliary = weight;
        self
    }

    /// The answers that the outputs of a pass hold. Waits for the device.
    ///
    /// # Errors
    /// What an operation says; an output of another name.
    pub fn answers(&self, outputs: &Values) -> Result<Answers> {
        let scores = outputs.get(&self.output)?.tensor();
        let probabilities = scores.softmax(1)?.to_vec::<f32>()?;
        let classes = scores.shape()[1].max(1);
        let mut answers = Answers::default();
        for row in probabilities.chunks_exact(classes) {
            let best = (0..classes).fold(0, |best, class| if row[class] > row[best] { class } else { best });
            answers.predicted.push(best);
            answers.confidence.push(row[best]);
        }
        Ok(answers)
    }

    /// The class numbers of a batch.
    fn labels<'a>(&self, batch: &'a Batch) -> Result<&'a [i64]> {
        match batch.find_target(&self.target) {
            Some(HostTensor::I64(labels, _)) => Ok(labels),
            found => {
                let found = if found.is_some() { "holds f32" } else { "is missing" };
                let reason = format!("the target `{}` {found}; class numbers are wanted", self.target);
                Err(Error::Option { option: "Classification", reason })
            }
        }
    }

    fn right(&self, answers: impl Iterator<Item = i64>, batch: &Batch) -> Result<f64> {
        let labels = self.labels(batch)?;
        Ok(answers.zip(labels).filter(|(answer, label)| answer == *label).count() as f64)
    }
}

impl Task for Classification {
    fn loss(&self, outputs: &Values, targets: &Values) -> Result<Var> {
        let labels = targets.get(&self.target)?.tensor();
        auxiliary::with_heads(outputs, &self.output, self.auxiliary, |scores| {
            Ok(scores.cross_entropy(labels, None, &self.loss)?)
        })
    }

    fn metrics(&self) -> Vec<&'static str> {
        vec!["accuracy"]
    }

    fn observe(&self, outputs: &Values) -> Result<Vec<Tensor>> {
        Ok(vec![outputs.get(&self.output)?.tensor().argmax(&[1], false)?])
    }

    fn score(&self, observed: &[HostTensor], batch: &Batch) -> Result<Vec<f64>> {
        let Some(HostTensor::I64(answers, _)) = observed.first() else { return Ok(vec![0.0]) };
        Ok(vec![self.right(answers.iter().copied(), batch)?])
    }

    fn evaluate(&self, outputs: &Values, targets: &Values, batch: &Batch) -> Result<Sums> {
        let op = CrossEntropy { label_smoothing: 0.0, reduction: Reduction::None, ..self.loss };
        let (scores, labels) = (outputs.get(&self.output)?.tensor(), targets.get(&self.target)?.tensor());
        let losses = scores.cross_entropy(labels, None, &op)?.to_vec::<f32>()?;
        let answers = self.answers(outputs)?.predicted.into_iter().map(|class| class as i64);
        Ok(Sums {
            samples: batch.samples,
            loss: losses.iter().map(|&loss| f64::from(loss)).sum(),
            metrics: vec![self.right(answers, batch)?],
        })
    }
}

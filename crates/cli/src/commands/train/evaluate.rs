//! The network's answers on a whole dataset.

use std::sync::Arc;

use tilewright_autograd::Var;
use tilewright_data::{DataLoader, ImageDataset, LoaderOptions, Normalize};
use tilewright_nn::{Module, Pass};
use tilewright_ops::{CrossEntropy, Reduction};
use tilewright_runtime::Context;
use tilewright_tensor::Tensor;

use crate::Result;

/// For each image, in order: the class with the highest score and its probability.
pub struct Answers {
    /// The classes.
    pub predicted: Vec<usize>,
    /// Their probabilities.
    pub confidence: Vec<f32>,
    /// Mean cross entropy.
    pub loss: f64,
    /// Share of right answers.
    pub accuracy: f64,
}

/// Runs the network on every image, in evaluation mode.
pub fn evaluate(
    context: &Context,
    network: &dyn Module,
    dataset: &Arc<dyn ImageDataset>,
    normalize: &Normalize,
) -> Result<Answers> {
    let options = LoaderOptions { batch_size: 250, ..LoaderOptions::default() };
    let loader = DataLoader::new(dataset.clone(), Arc::new(normalize.clone()), options)?;
    let mut answers = Answers { predicted: Vec::new(), confidence: Vec::new(), loss: 0.0, accuracy: 0.0 };
    let mut right = 0usize;
    let op = CrossEntropy { reduction: Reduction::None, ..CrossEntropy::default() };
    for batch in loader.epoch(0)? {
        let batch = batch?;
        let x = Tensor::from_slice(context, &batch.images, &batch.shape)?;
        let labels = Tensor::from_slice(context, &batch.labels, &[batch.labels.len()])?;
        let logits = network.forward(&Var::constant(x), &Pass::eval())?.tensor().clone();
        let losses = logits.cross_entropy(&labels, None, &op)?.to_vec::<f32>()?;
        let probabilities = logits.softmax(1)?.to_vec::<f32>()?;
        let classes = logits.shape()[1].max(1);
        answers.loss += losses.iter().map(|&loss| f64::from(loss)).sum::<f64>();
        for (row, &label) in probabilities.chunks_exact(classes).zip(&batch.labels) {
            // The first of equals, as argmax has it.
            let best = (0..classes).fold(0, |best, class| if row[class] > row[best] { class } else { best });
            right += usize::from(best as i32 == label);
            answers.predicted.push(best);
            answers.confidence.push(row[best]);
        }
    }
    let count = answers.predicted.len().max(1) as f64;
    answers.loss /= count;
    answers.accuracy = right as f64 / count;
    Ok(answers)
}

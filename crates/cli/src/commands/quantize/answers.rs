//! A network tried on samples.

use std::time::Instant;

use tilewright_graph::Compiled;
use tilewright_tensor::Tensor;

use super::samples::Samples;
use crate::error::Result;

/// What a network gives for samples.
#[derive(Debug, Default)]
pub struct Answers {
    /// Of its first output.
    pub values: Vec<f32>,
    /// Numbers for a sample.
    pub classes: usize,
    /// Right answers and samples.
    pub right: Option<[usize; 2]>,
    /// Milliseconds of a batch, the median.
    pub time: f64,
}

/// The class of the largest number.
fn largest(row: &[f32]) -> usize {
    row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(at, _)| at)
}

impl Answers {
    /// Adds the outputs for a batch of so many samples.
    fn add(&mut self, outputs: &[Tensor], samples: usize) -> Result<()> {
        if let Some(output) = outputs.first() {
            let values = output.to_vec::<f32>()?;
            self.classes = values.len() / samples.max(1);
            self.values.extend(values);
        }
        Ok(())
    }

    /// Of how many samples in a hundred the class of the largest number is another one.
    pub fn changed(&self, other: &Self) -> f64 {
        let rows = self.values.chunks(self.classes.max(1));
        let pairs = rows.zip(other.values.chunks(self.classes.max(1)));
        let changed = pairs.clone().filter(|(a, b)| largest(a) != largest(b)).count();
        100.0 * changed as f64 / pairs.count().max(1) as f64
    }
}

pub fn answers(compiled: &Compiled, samples: &Samples, labels: Option<&[f32]>) -> Result<Answers> {
    let context = compiled.context();
    let (mut answers, mut times) = (Answers::default(), Vec::new());
    if let Some(first) = samples.batches(context).next() {
        // The first run compiles.
        compiled.run(&[&first?])?;
    }
    for batch in samples.batches(context) {
        let batch = batch?;
        context.synchronize()?;
        let begun = Instant::now();
        answers.add(&compiled.run(&[&batch])?, samples.shape[0])?;
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    answers.time = times.get(times.len() / 2).copied().unwrap_or_default();
    let classes = answers.classes;
    answers.right = labels.filter(|_| classes > 0).map(|labels| {
        let answers = answers.values.chunks(classes).zip(labels);
        let right = answers.clone().filter(|(row, label)| largest(row) as f32 == **label).count();
        [right, answers.count()]
    });
    Ok(answers)
}

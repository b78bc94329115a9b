//! A network tried on samples.

use std::time::Instant;

use tilewright_graph::{Compiled, Graph, Options};
use tilewright_runtime::Context;

use super::samples::Samples;
use crate::error::Result;

/// What a network gives for samples.
pub struct Answers {
    /// Of its first output.
    pub values: Vec<f32>,
    /// Right answers and samples.
    pub right: Option<[usize; 2]>,
    /// Milliseconds of a batch, the median.
    pub time: f64,
}

pub fn answers(
    context: &Context,
    graph: &Graph,
    samples: &Samples,
    labels: Option<&[f32]>,
) -> Result<Answers> {
    let compiled = Compiled::new(graph, &Options::default())?;
    let (mut values, mut times) = (Vec::new(), Vec::new());
    for batch in samples.batches(context) {
        let batch = batch?;
        context.synchronize()?;
        let begun = Instant::now();
        let outputs = compiled.run(&[&batch])?;
        if let Some(output) = outputs.first() {
            values.extend(output.to_vec::<f32>()?);
        }
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    let count = times.len() * samples.shape[0];
    let classes = values.len() / count.max(1);
    let right = labels.filter(|_| classes > 0).map(|labels| {
        let largest = |row: &[f32]| {
            let best = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
            best.map_or(0, |(at, _)| at)
        };
        let answers = values.chunks(classes).zip(labels);
        let right = answers.clone().filter(|(row, label)| largest(row) as f32 == **label).count();
        [right, answers.count()]
    });
    Ok(Answers { values, right, time: times.get(times.len() / 2).copied().unwrap_or_default() })
}

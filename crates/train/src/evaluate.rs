//! A network's loss and metrics on a whole source.

use tilewright_nn::{Module, Pass, Values};
use tilewright_runtime::Context;

use crate::{error::Result, record::Scores, source::Batch, source::Source, task::Sums, task::Task};

/// Runs `module` in evaluation mode on every batch of `source` and gives the means over its samples. `see` is shown each
/// batch with its outputs, in order.
///
/// # Errors
/// Those of the source, the module, the task and `see`.
pub fn evaluate(
    context: &Context,
    module: &dyn Module,
    task: &dyn Task,
    source: &dyn Source,
    mut see: impl FnMut(&Batch, &Values) -> Result<()>,
) -> Result<Scores> {
    let mut sums = Sums { metrics: vec![0.0; task.counters()], ..Sums::default() };
    for batch in source.epoch(0, 0)? {
        let batch = batch?;
        let outputs = module.call(&batch.upload_inputs(context)?, &Pass::eval())?;
        let found = task.evaluate(&outputs, &batch.upload_targets(context)?, &batch)?;
        sums.samples += found.samples;
        sums.loss += found.loss;
        sums.metrics.iter_mut().zip(found.metrics).for_each(|(sum, found)| *sum += found);
        see(&batch, &outputs)?;
    }
    Ok(sums.means(task))
}

impl Sums {
    /// The mean loss, and the task's metrics by their names; zeros where there is no sample.
    pub(crate) fn means(&self, task: &dyn Task) -> Scores {
        let count = self.samples.max(1) as f64;
        Scores { loss: self.loss / count, metrics: concluded(task, &self.metrics, count) }
    }
}

/// The metrics of sums over `samples` samples, with their names.
pub(crate) fn concluded(task: &dyn Task, sums: &[f64], samples: f64) -> Vec<(String, f64)> {
    task.metrics().into_iter().map(str::to_owned).zip(task.conclude(sums, samples)).collect()
}

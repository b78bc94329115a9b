//! What is learnt: the loss, and what else is counted.

use tilewright_autograd::Var;
use tilewright_nn::{HostTensor, Values};
use tilewright_tensor::Tensor;

use crate::{error::Result, source::Batch};

/// What a network is to learn: a loss of its outputs and the targets, and metrics beside it.
///
/// Only [`Self::loss`] must be written. Metrics are counted on the host from few numbers that [`Self::observe`] leaves on
/// the device; the loop reads them together with the losses of some steps, so that no step waits for the device.
pub trait Task {
    /// The loss of a batch, one number: the mean over its samples.
    ///
    /// # Errors
    /// What an operation says; a name that `outputs` or `targets` has not.
    fn loss(&self, outputs: &Values, targets: &Values) -> Result<Var>;

    /// The names of the metrics, such as `accuracy`.
    fn metrics(&self) -> Vec<&'static str> {
        Vec::new()
    }

    /// How many numbers [`Self::score`] sums up: as many as there are metrics, unless they follow from other counts.
    fn counters(&self) -> usize {
        self.metrics().len()
    }

    /// The metrics that follow from what was summed up over `samples` samples; by default the sums are those of the metrics,
    /// and this their means.
    fn conclude(&self, sums: &[f64], samples: f64) -> Vec<f64> {
        sums.iter().map(|sum| sum / samples.max(1.0)).collect()
    }

    /// The tensors that [`Self::score`] needs of a batch's outputs, f32 or i32.
    ///
    /// # Errors
    /// What an operation says.
    fn observe(&self, outputs: &Values) -> Result<Vec<Tensor>> {
        let _ = outputs;
        Ok(Vec::new())
    }

    /// For each metric, or each of [`Self::counters`], its sum over the samples of `batch`, from what was observed.
    ///
    /// # Errors
    /// What the task cannot count.
    fn score(&self, observed: &[HostTensor], batch: &Batch) -> Result<Vec<f64>> {
        let _ = (observed, batch);
        Ok(vec![0.0; self.counters()])
    }

    /// Loss and metrics of a batch that is evaluated, as sums over its samples; by default as in training.
    ///
    /// # Errors
    /// As [`Self::loss`] and [`Self::score`].
    fn evaluate(&self, outputs: &Values, targets: &Values, batch: &Batch) -> Result<Sums> {
        let loss = f64::from(self.loss(outputs, targets)?.tensor().item()?) * batch.samples as f64;
        let observed = self.observe(outputs)?.iter().map(read).collect::<Result<Vec<_>>>()?;
        Ok(Sums { samples: batch.samples, loss, metrics: self.score(&observed, batch)? })
    }
}

/// Sums over samples.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sums {
    /// Samples.
    pub samples: usize,
    /// Their losses.
    pub loss: f64,
    /// Their metrics, or what these follow from, in the task's order.
    pub metrics: Vec<f64>,
}

/// Reads what was observed.
fn read(tensor: &Tensor) -> Result<HostTensor> {
    let shape = tensor.shape().to_vec();
    Ok(match tensor.dtype() {
        tilewright_ops::DType::I32 => {
            HostTensor::I64(tensor.to_vec::<i32>()?.into_iter().map(i64::from).collect(), shape)
        }
        _ => HostTensor::F32(tensor.to_vec::<f32>()?, shape),
    })
}

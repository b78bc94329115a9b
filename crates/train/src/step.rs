//! Steps whose numbers are still on the device, and their reading.

use tilewright_nn::HostTensor;
use tilewright_ops::DType;
use tilewright_tensor::Tensor;

use crate::{error::Result, source::Batch, task::Task};

/// What a step leaves on the device.
pub struct Step {
    /// Its loss, one number of shape \[1\].
    pub loss: Tensor,
    /// What the task observed of the outputs.
    pub observed: Vec<Tensor>,
}

/// Steps that wait to be read.
#[derive(Default)]
pub(crate) struct Pending {
    steps: Vec<Step>,
    /// Their batches, without the inputs.
    batches: Vec<Batch>,
}

/// What was read of some steps.
pub(crate) struct Read {
    /// Their mean loss over the samples.
    pub loss: f64,
    /// Their samples.
    pub samples: usize,
    /// The sums of their metrics.
    pub metrics: Vec<f64>,
}

impl Pending {
    pub fn push(&mut self, step: Step, mut batch: Batch) {
        // Images of many steps would fill the memory.
        batch.inputs = Vec::new();
        self.steps.push(step);
        self.batches.push(batch);
    }

    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Reads what waits; `None` if nothing does.
    pub fn read(&mut self, task: &dyn Task) -> Result<Option<Read>> {
        let Self { steps, batches } = std::mem::take(self);
        let Some(first) = steps.first() else { return Ok(None) };
        let losses = concat(steps.iter().map(|step| &step.loss))?.to_vec::<f32>()?;
        let mut observed: Vec<Vec<HostTensor>> = vec![Vec::new(); steps.len()];
        for slot in 0..first.observed.len() {
            let tensors: Vec<_> = steps.iter().filter_map(|step| step.observed.get(slot)).collect();
            for (of_step, tensor) in observed.iter_mut().zip(split(&tensors)?) {
                of_step.push(tensor);
            }
        }
        let mut metrics = vec![0.0; task.counters()];
        for (observed, batch) in observed.iter().zip(&batches) {
            let scores = task.score(observed, batch)?;
            metrics.iter_mut().zip(scores).for_each(|(sum, score)| *sum += score);
        }
        let samples: usize = batches.iter().map(|batch| batch.samples).sum();
        // By its samples: the last batch of an epoch may be short.
        let sum: f64 =
            losses.iter().zip(&batches).map(|(&loss, batch)| f64::from(loss) * batch.samples as f64).sum();
        Ok(Some(Read { loss: sum / samples.max(1) as f64, samples, metrics }))
    }
}

/// Tensors one behind the other, flat.
fn concat<'a>(tensors: impl Iterator<Item = &'a Tensor>) -> Result<Tensor> {
    let flat =
        tensors.map(|tensor| tensor.reshape(&[tensor.count() as isize])).collect::<Result<Vec<_>, _>>()?;
    Ok(Tensor::concat(&flat.iter().collect::<Vec<_>>(), 0)?)
}

/// Reads tensors of one type in one go.
fn split(tensors: &[&Tensor]) -> Result<Vec<HostTensor>> {
    let all = concat(tensors.iter().copied())?;
    let parts = tensors.iter().scan(0, |begin, tensor| {
        let from = *begin;
        *begin += tensor.count();
        Some((from..*begin, tensor.shape().to_vec()))
    });
    Ok(match all.dtype() {
        DType::I32 => {
            let all = all.to_vec::<i32>()?;
            let whole = |part: &[i32]| part.iter().map(|&value| i64::from(value)).collect();
            parts.map(|(part, shape)| HostTensor::I64(whole(&all[part]), shape)).collect()
        }
        _ => {
            let all = all.to_vec::<f32>()?;
            parts.map(|(part, shape)| HostTensor::F32(all[part].to_vec(), shape)).collect()
        }
    })
}

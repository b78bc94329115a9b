//! A step: forward, backward, the optimizer.

use tilewright_autograd::{Gradients, detect_anomaly};
use tilewright_nn::Pass;

use super::run::Trainer;
use crate::{error::Error, error::Result, scaler::all_finite, source::Batch, step::Step};

impl Trainer<'_> {
    /// One step of one batch: forward, loss, backward, the optimizer. It is recorded and not waited for, but in mixed
    /// precision, where the gradients are looked at.
    ///
    /// # Errors
    /// Those of the module, the task and the optimizer.
    pub fn step(&mut self, batch: &Batch) -> Result<Step> {
        let samples = batch.samples;
        let (step, gradients) = self.pass(batch, 0, samples)?;
        self.update(gradients)?;
        self.state.batch += 1;
        Ok(step)
    }

    /// One step of several batches, whose gradients are added up.
    pub(super) fn step_of(&mut self, batches: &[Batch]) -> Result<Vec<Step>> {
        let samples = batches.iter().map(|batch| batch.samples).sum();
        let mut sum = Gradients::default();
        let mut steps = Vec::with_capacity(batches.len());
        for (at, batch) in batches.iter().enumerate() {
            let (step, gradients) = self.pass(batch, at as u64, samples)?;
            steps.push(step);
            sum.accumulate(gradients)?;
        }
        self.update(sum)?;
        self.state.batch += batches.len() as u64;
        Ok(steps)
    }

    /// Forward and backward of batch `at` of a step that has `samples` in all.
    fn pass(&self, batch: &Batch, at: u64, samples: usize) -> Result<(Step, Gradients)> {
        if !self.options.detect_anomaly {
            return self.forward_and_back(batch, at, samples);
        }
        detect_anomaly(|| self.forward_and_back(batch, at, samples)).map_err(|error| match error {
            Error::Nn(error) => Error::Nn(self.store.explain(error)),
            other => other,
        })
    }

    fn forward_and_back(&self, batch: &Batch, at: u64, samples: usize) -> Result<(Step, Gradients)> {
        let context = self.store.context();
        let (inputs, targets) = (batch.upload_inputs(context)?, batch.upload_targets(context)?);
        let random = self.state.step.wrapping_mul(self.options.accumulate).wrapping_add(at);
        let pass = Pass::train(self.state.seed, random)
            .with_half_storage(self.options.half.is_some())
            .with_checkpointing(self.options.checkpoint_activations);
        let outputs = self.module.call(&inputs, &pass)?;
        let loss = self.task.loss(&outputs, &targets)?;
        let observed = self.task.observe(&outputs)?;
        drop(outputs);
        // A batch's loss is the mean over its samples.
        let share = if batch.samples == samples { 1.0 } else { batch.samples as f32 / samples.max(1) as f32 };
        let factor = share * self.state.scale.map_or(1.0, |scale| scale.scale);
        let gradients = if factor == 1.0 { loss.backward()? } else { loss.scale(factor)?.backward()? };
        Ok((Step { loss: loss.tensor().reshape(&[1])?, observed }, gradients))
    }

    /// Changes the parameters, unless a gradient of mixed precision is no finite number.
    fn update(&mut self, mut gradients: Gradients) -> Result<()> {
        let mut good = true;
        if let Some((rules, scale)) = self.options.half.zip(self.state.scale) {
            gradients.scale(1.0 / scale.scale)?;
            good = all_finite(&gradients, &self.store)?;
            self.state.scale = Some(rules.next(scale, good));
        }
        if good {
            if let Some(clip) = &self.options.clip {
                clip.apply(&self.store.parameters(), &mut gradients)?;
            }
            self.optimizer.step(&mut gradients, self.schedule.at(self.state.step))?;
            if let Some(ema) = &mut self.ema {
                ema.update()?;
            }
        }
        self.state.step += 1;
        Ok(())
    }
}

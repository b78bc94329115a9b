//! An epoch: steps, readings, evaluation, the checkpoint.

use std::time::Instant;

use tilewright_nn::TrainingState;

use super::run::Trainer;
use crate::{
    callback::Callback, callback::Flow, callback::Progress, callback::Reading, error::Error, error::Result,
    evaluate::concluded, options::Outcome, record::EpochRecord, record::Scores, source::Source,
    step::Pending,
};

impl Trainer<'_> {
    /// Trains to the last epoch, or until a callback stops it. After each epoch the network is evaluated on `test`, if there
    /// is one, and the callbacks see the record; then the checkpoint is written.
    ///
    /// # Errors
    /// [`Error::Diverged`], [`Error::ShortEpoch`]; those of the sources, the module, the task and the callbacks.
    pub fn run(
        &mut self,
        train: &dyn Source,
        test: Option<&dyn Source>,
        callbacks: &mut [&mut dyn Callback],
    ) -> Result<Outcome> {
        while self.state.epoch < self.options.epochs {
            let flow = self.epoch(train, test, callbacks)?;
            if flow == Flow::Stop && self.state.epoch < self.options.epochs {
                return Ok(Outcome::Stopped);
            }
        }
        Ok(Outcome::Finished)
    }

    fn progress(&self, batches: u64) -> Progress {
        let TrainingState { epoch, batch, step, .. } = self.state;
        let lr = self.schedule.at(step.saturating_sub(1));
        Progress { epoch, epochs: self.options.epochs, batch, batches, step, lr }
    }

    fn epoch(
        &mut self,
        train: &dyn Source,
        test: Option<&dyn Source>,
        callbacks: &mut [&mut dyn Callback],
    ) -> Result<Flow> {
        let batches = train.batches();
        let found = self.options.freezing.apply(&self.store, self.state.epoch);
        if found.trainable == 0 {
            let reason =
                format!("all parameters are frozen in epoch {}: nothing can be learnt", self.state.epoch + 1);
            return Err(Error::Option { option: "freezing", reason });
        }
        for callback in callbacks.iter_mut() {
            callback.epoch_begin(&self.progress(batches))?;
        }
        let mut pending = Pending::default();
        let mut clock = Clock { from: Instant::now(), seconds: 0.0, samples: 0 };
        let mut stop = Flow::Continue;
        let mut group = Vec::new();
        for batch in train.epoch(self.state.epoch, self.state.batch)? {
            group.push(batch?);
            let found = self.state.batch + group.len() as u64;
            if group.len() as u64 != self.options.accumulate && found != batches {
                continue;
            }
            let group = std::mem::take(&mut group);
            for (step, batch) in self.step_of(&group)?.into_iter().zip(group) {
                clock.samples += batch.samples;
                pending.push(step, batch);
            }
            let progress = self.progress(batches);
            for callback in callbacks.iter_mut() {
                stop = stop.or(callback.step_end(&progress)?);
            }
            let last = self.state.batch == batches;
            let kept =
                self.options.checkpoint_every.is_some_and(|every| self.state.step.is_multiple_of(every));
            if pending.len() >= self.options.read_every || last || kept || stop == Flow::Stop {
                stop = stop.or(self.read(&mut pending, &mut clock, batches, callbacks)?);
            }
            if last {
                break;
            }
            if kept || stop == Flow::Stop {
                self.keep(callbacks)?;
            }
            if stop == Flow::Stop {
                return Ok(stop);
            }
        }
        if self.state.batch != batches {
            let (epoch, found) = (self.state.epoch, self.state.batch + group.len() as u64);
            return Err(Error::ShortEpoch { epoch, found, promised: batches });
        }
        Ok(stop.or(self.end_epoch(test, &clock, callbacks)?))
    }

    /// Reads what waits on the device into the epoch's sums.
    fn read(
        &mut self,
        pending: &mut Pending,
        clock: &mut Clock,
        batches: u64,
        callbacks: &mut [&mut dyn Callback],
    ) -> Result<Flow> {
        let Some(read) = pending.read(self.task)? else { return Ok(Flow::Continue) };
        let sums = read.metrics.iter().copied();
        let sums = [read.loss * read.samples as f64].into_iter().chain(sums).chain([read.samples as f64]);
        self.state.running.iter_mut().zip(sums).for_each(|(sum, found)| *sum += found);
        self.step_losses.push(read.loss);
        self.state.seconds += clock.lap();
        if !read.loss.is_finite() {
            return Err(Error::Diverged { loss: read.loss, step: self.state.step });
        }
        let reading = Reading { loss: read.loss, samples_per_second: clock.rate() };
        let progress = self.progress(batches);
        let mut flow = Flow::Continue;
        for callback in callbacks.iter_mut() {
            flow = flow.or(callback.reading(&progress, &reading)?);
        }
        Ok(flow)
    }

    fn end_epoch(
        &mut self,
        test: Option<&dyn Source>,
        clock: &Clock,
        callbacks: &mut [&mut dyn Callback],
    ) -> Result<Flow> {
        let done = self.state.epoch + 1;
        let turn = done == self.options.epochs || done.is_multiple_of(self.options.evaluate_every);
        let test = test.filter(|_| turn).map(|test| self.evaluate(test)).transpose()?;
        self.state.epoch = done;
        self.state.batch = 0;
        let sums = self.sums();
        let running = std::mem::replace(&mut self.state.running, vec![0.0; sums]);
        let seen = running[sums - 1].max(1.0);
        let metrics = concluded(self.task, &running[1..sums - 1], seen);
        self.records.push(EpochRecord {
            epoch: self.state.epoch,
            train: Scores { loss: running[0] / seen, metrics },
            test,
            lr: self.schedule.at(self.state.step.saturating_sub(1)),
            samples_per_second: clock.rate(),
            seconds: self.state.seconds,
            step_losses: std::mem::take(&mut self.step_losses),
        });
        let mut flow = Flow::Continue;
        for callback in callbacks.iter_mut() {
            flow = flow.or(callback.epoch_end(&self.records)?);
        }
        self.keep(callbacks)?;
        Ok(flow)
    }

    /// Writes the checkpoint, if there is to be one.
    fn keep(&self, callbacks: &mut [&mut dyn Callback]) -> Result<()> {
        let Some(path) = &self.options.checkpoint else { return Ok(()) };
        self.checkpoint(path)?;
        for callback in callbacks.iter_mut() {
            callback.checkpoint_written(path)?;
        }
        Ok(())
    }
}

/// Time and samples of an epoch, as far as this run has trained it.
struct Clock {
    from: Instant,
    seconds: f64,
    samples: usize,
}

impl Clock {
    /// Seconds since the last call.
    fn lap(&mut self) -> f64 {
        let lap = self.from.elapsed().as_secs_f64();
        self.from = Instant::now();
        self.seconds += lap;
        lap
    }

    fn rate(&self) -> f64 {
        self.samples as f64 / self.seconds.max(1e-9)
    }
}

//! The training loop.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use tilewright_nn::{
    Checkpoint, Module, ParameterStore, Pass, TrainingState,
    optim::{Optimizer, Schedule},
};

use crate::{
    callback::Callback, callback::Flow, callback::Progress, callback::Reading, error::Error, error::Result,
    evaluate::evaluate, record::EpochRecord, record::Scores, source::Batch, source::Source, step::Pending,
    step::Step, task::Task,
};

/// How a run is trained.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// What is trained and how, in the program's own words: a checkpoint is resumed by a run with the same words only.
    pub run: String,
    /// The seed of dropout; the source and the parameters have seeds of their own.
    pub seed: u64,
    /// Passes over the training samples.
    pub epochs: u64,
    /// Steps whose losses wait on the device before they are read: reading waits for the device.
    pub read_every: usize,
    /// Where the checkpoint goes, at the end of each epoch and when the run is stopped; nowhere if there is none.
    pub checkpoint: Option<PathBuf>,
    /// Also a checkpoint whenever the run has done a multiple of so many steps, for long epochs.
    pub checkpoint_every: Option<u64>,
}

impl Default for Options {
    /// One epoch, losses read every 20 steps, no checkpoint.
    fn default() -> Self {
        Self {
            run: String::new(),
            seed: 0,
            epochs: 1,
            read_every: 20,
            checkpoint: None,
            checkpoint_every: None,
        }
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All epochs are done.
    Finished,
    /// A callback stopped it; the checkpoint goes on from there.
    Stopped,
}

/// A network in training: a module, its parameters, what is learnt, what changes the parameters.
///
/// ```
/// use tilewright_nn::{HostTensor, INPUT, OUTPUT, ParameterStore, Values};
/// use tilewright_nn::{layers::Linear, optim::{Schedule, Sgd}};
/// use tilewright_train::{Batch, Batches, Options, Result, Source, Task, Trainer, Var};
///
/// /// y = 2 x, four samples a batch.
/// struct Doubles;
///
/// impl Source for Doubles {
///     fn batches(&self) -> u64 {
///         8
///     }
///
///     fn samples(&self) -> u64 {
///         32
///     }
///
///     fn epoch(&self, epoch: u64, first: u64) -> Result<Batches<'_>> {
///         Ok(Box::new((first..8).map(move |batch| {
///             let x: Vec<f32> = (0..4).map(|i| ((epoch + batch * 4 + i) % 5) as f32 - 2.0).collect();
///             let y = x.iter().map(|x| 2.0 * x).collect();
///             let shape = vec![4, 1];
///             let batch = Batch::new(4).input(INPUT, HostTensor::F32(x, shape.clone()));
///             Ok(batch.target("y", HostTensor::F32(y, shape)))
///         })))
///     }
/// }
///
/// /// The mean squared error.
/// struct Squares;
///
/// impl Task for Squares {
///     fn loss(&self, outputs: &Values, targets: &Values) -> Result<Var> {
///         let error = outputs.get(OUTPUT)?.sub(targets.get("y")?)?;
///         Ok(error.mul(&error)?.mean(&[0, 1], false)?)
///     }
/// }
///
/// # let context = tilewright_runtime::Context::new()?;
/// let store = ParameterStore::new(&context, 1);
/// let network = Linear::new(&(store.root() / "fc"), 1, 1)?;
/// let optimizer = Sgd::new(store.parameters(), tilewright_ops::Sgd::default())?;
/// let options = Options { epochs: 5, ..Options::default() };
/// let schedule = Schedule::Constant { lr: 0.1 };
/// let mut trainer = Trainer::new(&network, &store, &Squares, Box::new(optimizer), schedule, options)?;
/// trainer.run(&Doubles, None, &mut [])?;
/// assert!(trainer.records()[4].train.loss < 0.1 * trainer.records()[0].train.loss);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Trainer<'a> {
    module: &'a dyn Module,
    store: ParameterStore,
    task: &'a dyn Task,
    optimizer: Box<dyn Optimizer + 'a>,
    schedule: Schedule,
    options: Options,
    state: TrainingState,
    records: Vec<EpochRecord>,
    /// Mean losses of runs of steps in the epoch that has begun.
    step_losses: Vec<f64>,
}

impl<'a> Trainer<'a> {
    /// A run that has not begun. `store` holds the parameters of `module`, which `optimizer` changes.
    ///
    /// # Errors
    /// [`Error::Option`] for what cannot be 0.
    pub fn new(
        module: &'a dyn Module,
        store: &ParameterStore,
        task: &'a dyn Task,
        optimizer: Box<dyn Optimizer + 'a>,
        schedule: Schedule,
        options: Options,
    ) -> Result<Self> {
        for (option, zero) in [
            ("epochs", options.epochs == 0),
            ("read_every", options.read_every == 0),
            ("checkpoint_every", options.checkpoint_every == Some(0)),
        ] {
            if zero {
                return Err(Error::Option { option, reason: "it must be at least 1".to_owned() });
            }
        }
        let mut trainer = Self {
            module,
            store: store.clone(),
            task,
            optimizer,
            schedule,
            state: TrainingState { run: options.run.clone(), seed: options.seed, ..TrainingState::default() },
            options,
            records: Vec::new(),
            step_losses: Vec::new(),
        };
        trainer.state.running = vec![0.0; trainer.sums()];
        Ok(trainer)
    }

    /// Running sums: the loss, the metrics, the samples.
    fn sums(&self) -> usize {
        self.task.metrics().len() + 2
    }

    /// Goes on from a checkpoint, to the same bits as a run that was never stopped. Records of the epochs before it are in no
    /// checkpoint: see [`Self::set_records`].
    ///
    /// # Errors
    /// [`tilewright_nn::Error::Resume`] for the checkpoint of another run or of another task;
    /// [`tilewright_nn::Error::StateDict`] if the tensors do not fit. Then nothing has changed.
    pub fn resume(&mut self, path: &Path) -> Result<()> {
        let checkpoint = Checkpoint::read(path)?;
        let sums = self.sums();
        // Whose it is comes first: another run's sums say nothing.
        if checkpoint.state.run == self.state.run && checkpoint.state.running.len() < sums {
            let reason = "its running sums are cut short".to_owned();
            return Err(tilewright_nn::Error::Resume { path: path.display().to_string(), reason }.into());
        }
        checkpoint.restore(&self.store, &mut *self.optimizer, &self.state.run, path)?;
        self.state = checkpoint.state;
        self.step_losses = self.state.running.split_off(sums);
        Ok(())
    }

    /// The records of the epochs that an earlier run did, as [`MetricsFile::read`](crate::MetricsFile::read) gives them.
    pub fn set_records(&mut self, records: Vec<EpochRecord>) {
        self.records = records;
    }

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

    /// One step: forward, loss, backward, the optimizer. It is recorded and not waited for.
    ///
    /// # Errors
    /// Those of the module, the task and the optimizer.
    pub fn step(&mut self, batch: &Batch) -> Result<Step> {
        let context = self.store.context();
        let (inputs, targets) = (batch.upload_inputs(context)?, batch.upload_targets(context)?);
        let outputs = self.module.call(&inputs, &Pass::train(self.state.seed, self.state.step))?;
        let loss = self.task.loss(&outputs, &targets)?;
        let mut gradients = loss.backward()?;
        self.optimizer.step(&mut gradients, self.schedule.at(self.state.step))?;
        let step = Step { loss: loss.tensor().reshape(&[1])?, observed: self.task.observe(&outputs)? };
        self.state.step += 1;
        self.state.batch += 1;
        Ok(step)
    }

    /// Loss and metrics on every sample of `source`, in evaluation mode.
    ///
    /// # Errors
    /// Those of the source, the module and the task.
    pub fn evaluate(&self, source: &dyn Source) -> Result<Scores> {
        evaluate(self.store.context(), self.module, self.task, source, |_, _| Ok(()))
    }

    /// Where the run stands.
    pub fn state(&self) -> &TrainingState {
        &self.state
    }

    /// The records of the epochs that are done.
    pub fn records(&self) -> &[EpochRecord] {
        &self.records
    }

    /// Writes a checkpoint to `path`: weights, the optimizer's state, where the run stands.
    ///
    /// # Errors
    /// [`tilewright_nn::Error::File`]; what the device reports.
    pub fn checkpoint(&self, path: &Path) -> Result<()> {
        let mut state = self.state.clone();
        state.running.extend(&self.step_losses);
        Ok(Checkpoint::capture(&self.store, &*self.optimizer, state)?.write(path)?)
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
        for callback in callbacks.iter_mut() {
            callback.epoch_begin(&self.progress(batches))?;
        }
        let mut pending = Pending::default();
        let mut clock = Clock { from: Instant::now(), seconds: 0.0, samples: 0 };
        let mut stop = Flow::Continue;
        for batch in train.epoch(self.state.epoch, self.state.batch)? {
            let batch = batch?;
            let step = self.step(&batch)?;
            clock.samples += batch.samples;
            pending.push(step, batch);
            let progress = self.progress(batches);
            for callback in callbacks.iter_mut() {
                stop = stop.or(callback.step_end(&progress)?);
            }
            let last = self.state.batch == batches;
            let kept =
                self.options.checkpoint_every.is_some_and(|every| self.state.step.is_multiple_of(every));
            if pending.len() == self.options.read_every || last || kept || stop == Flow::Stop {
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
            let (epoch, found) = (self.state.epoch, self.state.batch);
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
        let test = test.map(|test| self.evaluate(test)).transpose()?;
        self.state.epoch += 1;
        self.state.batch = 0;
        let names = self.task.metrics();
        let sums = self.sums();
        let running = std::mem::replace(&mut self.state.running, vec![0.0; sums]);
        let seen = running[sums - 1].max(1.0);
        let metrics = names.iter().zip(&running[1..]).map(|(&name, sum)| (name.to_owned(), sum / seen));
        self.records.push(EpochRecord {
            epoch: self.state.epoch,
            train: Scores { loss: running[0] / seen, metrics: metrics.collect() },
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

//! What is trained and where it stands.

use std::path::Path;

use tilewright_nn::{
    Checkpoint, Module, ParameterStore, TrainingState,
    optim::{Ema, Optimizer, Schedule},
};

use crate::{
    error::Result, evaluate::evaluate, options::Options, record::EpochRecord, record::Scores, source::Source,
    task::Task,
};

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
    pub(super) module: &'a dyn Module,
    pub(super) store: ParameterStore,
    pub(super) task: &'a dyn Task,
    pub(super) optimizer: Box<dyn Optimizer + 'a>,
    pub(super) schedule: Schedule,
    pub(super) options: Options,
    /// Running means of the weights.
    pub(super) ema: Option<Ema>,
    pub(super) state: TrainingState,
    pub(super) records: Vec<EpochRecord>,
    /// Mean losses of runs of steps in the epoch that has begun.
    pub(super) step_losses: Vec<f64>,
}

impl<'a> Trainer<'a> {
    /// A run that has not begun. `store` holds the parameters of `module`, which `optimizer` changes.
    ///
    /// # Errors
    /// [`Error::Option`](crate::Error::Option) for what cannot be 0; [`tilewright_nn::Error::Pattern`] for one that takes
    /// nothing.
    pub fn new(
        module: &'a dyn Module,
        store: &ParameterStore,
        task: &'a dyn Task,
        optimizer: Box<dyn Optimizer + 'a>,
        schedule: Schedule,
        options: Options,
    ) -> Result<Self> {
        options.check()?;
        options.freezing.check(store)?;
        options.freezing.apply(store, 0);
        let scale = options.half.map(|half| half.begin());
        let seed = options.seed;
        let ema = options.ema.map(|ema| Ema::new(store, ema)).transpose()?;
        let mut trainer = Self {
            module,
            store: store.clone(),
            task,
            optimizer,
            schedule,
            ema,
            state: TrainingState { run: options.run.clone(), seed, scale, ..TrainingState::default() },
            options,
            records: Vec::new(),
            step_losses: Vec::new(),
        };
        trainer.state.running = vec![0.0; trainer.sums()];
        Ok(trainer)
    }

    /// Running sums: the loss, the metrics, the samples.
    pub(super) fn sums(&self) -> usize {
        self.task.counters() + 2
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
        if let Some(ema) = &mut self.ema {
            checkpoint.restore_ema(ema, path)?;
        }
        self.state = checkpoint.state;
        self.step_losses = self.state.running.split_off(sums);
        Ok(())
    }

    /// The records of the epochs that an earlier run did, as [`MetricsFile::read`](crate::MetricsFile::read) gives them.
    pub fn set_records(&mut self, records: Vec<EpochRecord>) {
        self.records = records;
    }

    /// Loss and metrics on every sample of `source`, in evaluation mode, with the averages for weights where there are.
    ///
    /// # Errors
    /// Those of the source, the module and the task.
    pub fn evaluate(&mut self, source: &dyn Source) -> Result<Scores> {
        let (context, module, task) = (self.store.context().clone(), self.module, self.task);
        self.averaged(|| evaluate(&context, module, task, source, |_, _| Ok(())))?
    }

    /// Runs `work` while the network has the averages for weights, if there are: what is evaluated and saved for use.
    ///
    /// # Errors
    /// What the device reports.
    pub fn averaged<T>(&mut self, work: impl FnOnce() -> T) -> Result<T> {
        Ok(match &mut self.ema {
            Some(ema) => ema.averaged(work)?,
            None => work(),
        })
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
        let mut checkpoint = Checkpoint::capture(&self.store, &*self.optimizer, state)?;
        if let Some(ema) = &self.ema {
            checkpoint = checkpoint.with_ema(ema)?;
        }
        Ok(checkpoint.write(path)?)
    }
}

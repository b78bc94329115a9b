//! A training run: what it holds, its loop, and its end.

use std::{io::Write, path::PathBuf, sync::Arc, time::Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tilewright_autograd::Var;
use tilewright_data::{
    Batch, Compose, DataLoader, FashionMnist, ImageDataset, LoaderOptions, Normalize, RandomCrop,
    RandomHorizontalFlip, Sampler, Subset,
};
use tilewright_nn::{
    Checkpoint, ParameterStore, Pass, StateDict, TrainingState,
    optim::{AdamW, Optimizer, Schedule, Sgd},
};
use tilewright_ops::{self as ops, CrossEntropy};
use tilewright_runtime::Context;
use tilewright_tensor::Tensor;
use tilewright_zoo::{Network, Options, Shortcut, build};

use super::{
    Arguments, OptimizerName,
    evaluate::evaluate,
    metrics::{self, EpochRecord, FinalRecord},
    report,
};
use crate::{Error, Result, interrupt::Interrupt};

/// Prints a line for whoever still reads: a closed pipe (`tilewright train | head`) must not end the training.
macro_rules! say {
    ($($words:tt)*) => {{
        let _ = writeln!(std::io::stdout(), $($words)*);
    }};
}

/// Steps whose losses wait on the device before they are read: reading waits for the device.
const READ_EVERY: usize = 20;

/// Everything that a run holds.
pub struct Training<'a> {
    arguments: &'a Arguments,
    context: &'a Context,
    network: Network,
    optimizer: Box<dyn Optimizer>,
    schedule: Schedule,
    loss: CrossEntropy,
    loader: DataLoader,
    test: Arc<dyn ImageDataset>,
    normalize: Normalize,
    state: TrainingState,
    epochs: Vec<EpochRecord>,
    /// Mean losses of runs of steps in the epoch that has begun.
    step_losses: Vec<f64>,
    interrupt: Interrupt,
}

/// Losses and answers of steps that are still on the device.
#[derive(Default)]
struct Pending {
    losses: Vec<Tensor>,
    answers: Vec<Tensor>,
    labels: Vec<i32>,
}

impl<'a> Training<'a> {
    /// Loads data and network, and the checkpoint where it is to go on.
    pub fn new(arguments: &'a Arguments, context: &'a Context) -> Result<Self> {
        let data = FashionMnist::load(&FashionMnist::data_dir(arguments.data.as_deref()))?;
        let normalize = Normalize::new(&FashionMnist::MEAN, &FashionMnist::STD)?;
        let train: Arc<dyn ImageDataset> = match arguments.limit {
            Some(limit) => Arc::new(Subset::first(Arc::new(data.train), limit)),
            None => Arc::new(data.train),
        };
        let test: Arc<dyn ImageDataset> = Arc::new(data.test);
        let image = train.image_shape();
        let mut transform = Compose::new();
        if arguments.augment {
            transform =
                transform.then(RandomHorizontalFlip::new(0.5)?).then(RandomCrop::new(image[1], image[2], 2)?);
        }
        let loader_options = LoaderOptions {
            batch_size: arguments.batch_size,
            // The last batch may be too small for its statistics to mean anything.
            drop_last: train.len() >= arguments.batch_size,
            sampler: Sampler::Shuffled { seed: arguments.seed },
            seed: arguments.seed,
            workers: arguments.workers,
            prefetch: arguments.workers.max(1) * 4,
        };
        let loader =
            DataLoader::new(train.clone(), Arc::new(transform.then(normalize.clone())), loader_options)?;
        let store = ParameterStore::new(context, arguments.seed);
        let classes = train.class_names().len();
        let network =
            build(&arguments.model, &store, Options { image, classes, shortcut: Shortcut::default() })?;
        let lr = arguments.learning_rate();
        let (parameters, weight_decay) = (store.parameters(), arguments.weight_decay);
        let optimizer: Box<dyn Optimizer> = match arguments.optimizer {
            OptimizerName::Sgd => {
                let op = ops::Sgd {
                    lr,
                    momentum: arguments.momentum,
                    nesterov: arguments.momentum > 0.0,
                    weight_decay,
                    dampening: 0.0,
                };
                Box::new(Sgd::new(parameters, op)?)
            }
            OptimizerName::Adamw => {
                Box::new(AdamW::new(parameters, ops::AdamW { lr, weight_decay, ..ops::AdamW::default() })?)
            }
        };
        let steps = arguments.epochs.saturating_mul(loader.batches_per_epoch() as u64);
        let mut training = Self {
            arguments,
            context,
            network,
            optimizer,
            schedule: Schedule::Cosine { lr, min_lr: lr * 1e-3, warmup: (steps / 20).min(200), steps },
            loss: CrossEntropy { label_smoothing: arguments.label_smoothing, ..CrossEntropy::default() },
            loader,
            test,
            normalize,
            state: TrainingState {
                run: arguments.description(),
                seed: arguments.seed,
                running: vec![0.0; 3],
                ..TrainingState::default()
            },
            epochs: Vec::new(),
            step_losses: Vec::new(),
            interrupt: Interrupt::listen(),
        };
        if arguments.resume {
            training.resume()?;
        }
        Ok(training)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.arguments.output.join(name)
    }

    fn resume(&mut self) -> Result<()> {
        let path = self.path("checkpoint.safetensors");
        let checkpoint = Checkpoint::read(&path)?;
        let run = self.state.run.clone();
        checkpoint.restore(&self.network.store, &mut *self.optimizer, &run, &path)?;
        self.state = checkpoint.state;
        if self.state.running.len() < 3 {
            let reason = "its running sums are cut short".to_owned();
            return Err(tilewright_nn::Error::Resume { path: path.display().to_string(), reason }.into());
        }
        self.step_losses = self.state.running.split_off(3);
        let metrics = self.path("metrics.jsonl");
        self.epochs = metrics::read(&metrics, self.state.epoch);
        if (self.epochs.len() as u64) < self.state.epoch {
            eprintln!(
                "warning: {} holds {} of {} epochs; the curves begin where it does",
                metrics.display(),
                self.epochs.len(),
                self.state.epoch
            );
        }
        say!("resuming after epoch {}, batch {}", self.state.epoch, self.state.batch);
        Ok(())
    }

    fn checkpoint(&self) -> Result<()> {
        let mut state = self.state.clone();
        state.running.extend(&self.step_losses);
        let checkpoint = Checkpoint::capture(&self.network.store, &*self.optimizer, state)?;
        Ok(checkpoint.write(&self.path("checkpoint.safetensors"))?)
    }

    /// Trains to the last epoch; false if the user stopped it.
    pub fn train(&mut self) -> Result<bool> {
        let info = self.context.adapter_info();
        say!("{} on {} ({})", self.network.name, info.name, info.driver_info);
        say!(
            "{} parameters, {} training images, {} test images",
            self.network.store.parameter_count(),
            self.loader.samples_per_epoch(),
            self.test.len()
        );
        // A folder that cannot be written is found before the work, not after.
        let folder = &self.arguments.output;
        std::fs::create_dir_all(folder)
            .and_then(|()| tempfile::tempfile_in(folder))
            .map_err(|error| Error::file(folder, error))?;
        while self.state.epoch < self.arguments.epochs {
            if !self.epoch()? {
                self.checkpoint()?;
                eprintln!(
                    "stopped after epoch {}, batch {}; the same command with --resume goes on from {}",
                    self.state.epoch,
                    self.state.batch,
                    self.path("checkpoint.safetensors").display()
                );
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn epoch(&mut self) -> Result<bool> {
        let batches = self.loader.batches_per_epoch() as u64;
        let bar = progress(batches, self.state.epoch + 1, self.arguments.epochs);
        bar.set_position(self.state.batch);
        let mut pending = Pending::default();
        let mut clock = Instant::now();
        let (seconds_before, batch_before) = (self.state.seconds, self.state.batch);
        for batch in self.loader.epoch_from(self.state.epoch, self.state.batch as usize)? {
            self.step(&batch?, &mut pending)?;
            let last = self.state.batch == batches;
            let stop = self.interrupt.requested();
            if pending.losses.len() == READ_EVERY || last || stop {
                let loss = self.read(&mut pending)?;
                self.state.seconds += clock.elapsed().as_secs_f64();
                clock = Instant::now();
                let done = (self.state.batch - batch_before) * self.arguments.batch_size as u64;
                let rate = done as f64 / (self.state.seconds - seconds_before).max(1e-9);
                bar.set_position(self.state.batch);
                bar.set_message(format!("loss {loss:.4}  {rate:.0} images/s"));
                if !loss.is_finite() {
                    let reason = format!("the loss is {loss} at step {}; lower it", self.state.step);
                    return Err(Error::Argument { argument: "--lr", reason });
                }
            }
            if stop && !last {
                bar.abandon();
                return Ok(false);
            }
        }
        bar.finish_and_clear();
        self.end_epoch(seconds_before, batch_before)?;
        Ok(true)
    }

    fn step(&mut self, batch: &Batch, pending: &mut Pending) -> Result<()> {
        let x = Tensor::from_slice(self.context, &batch.images, &batch.shape)?;
        let labels = Tensor::from_slice(self.context, &batch.labels, &[batch.labels.len()])?;
        let pass = Pass::train(self.state.seed, self.state.step);
        let logits = self.network.module.forward(&Var::constant(x), &pass)?;
        let loss = logits.cross_entropy(&labels, None, &self.loss)?;
        let mut gradients = loss.backward()?;
        self.optimizer.step(&mut gradients, self.schedule.at(self.state.step))?;
        pending.losses.push(loss.tensor().reshape(&[1])?);
        pending.answers.push(logits.tensor().argmax(&[1], false)?);
        pending.labels.extend(&batch.labels);
        self.state.step += 1;
        self.state.batch += 1;
        Ok(())
    }

    /// Reads what waits on the device into the epoch's sums; gives the mean loss of these steps.
    fn read(&mut self, pending: &mut Pending) -> Result<f64> {
        let Pending { losses, answers, labels } = std::mem::take(pending);
        if losses.is_empty() {
            return Ok(0.0);
        }
        let concat = |tensors: &[Tensor]| Tensor::concat(&tensors.iter().collect::<Vec<_>>(), 0);
        let losses = concat(&losses)?.to_vec::<f32>()?;
        let answers = concat(&answers)?.to_vec::<i32>()?;
        let sum: f64 = losses.iter().map(|&loss| f64::from(loss)).sum();
        let right = answers.iter().zip(&labels).filter(|(answer, label)| answer == label).count();
        let mean = sum / losses.len() as f64;
        self.state.running[0] += mean * labels.len() as f64;
        self.state.running[1] += right as f64;
        self.state.running[2] += labels.len() as f64;
        self.step_losses.push(mean);
        Ok(mean)
    }

    fn end_epoch(&mut self, seconds_before: f64, batch_before: u64) -> Result<()> {
        let images = (self.state.batch - batch_before) * self.arguments.batch_size as u64;
        let answers = evaluate(self.context, &*self.network.module, &self.test, &self.normalize)?;
        self.state.epoch += 1;
        self.state.batch = 0;
        let seen = self.state.running[2].max(1.0);
        let record = EpochRecord {
            epoch: self.state.epoch,
            train_loss: self.state.running[0] / seen,
            train_accuracy: self.state.running[1] / seen,
            test_loss: answers.loss,
            test_accuracy: answers.accuracy,
            lr: self.schedule.at(self.state.step.saturating_sub(1)),
            images_per_second: images as f64 / (self.state.seconds - seconds_before).max(1e-9),
            train_seconds: self.state.seconds,
            step_losses: std::mem::take(&mut self.step_losses),
        };
        say!(
            "epoch {:>2}  loss {:.4}  training accuracy {:.2} %  test accuracy {:.2} %  {:.0} images/s",
            record.epoch,
            record.train_loss,
            100.0 * record.train_accuracy,
            100.0 * record.test_accuracy,
            record.images_per_second
        );
        self.epochs.push(record);
        self.state.running = vec![0.0; 3];
        metrics::write(&self.path("metrics.jsonl"), &self.epochs, None)?;
        self.checkpoint()
    }

    /// Evaluates once more, writes the weights, the last line of metrics and the pictures.
    pub fn finish(&self) -> Result<()> {
        let answers = evaluate(self.context, &*self.network.module, &self.test, &self.normalize)?;
        let weights = self.path("model.safetensors");
        StateDict::of(&self.network.store)?.write(&weights)?;
        let info = self.context.adapter_info();
        let images = self.arguments.epochs.saturating_mul(self.loader.samples_per_epoch() as u64);
        let last = FinalRecord {
            test_accuracy: answers.accuracy,
            test_images: answers.predicted.len(),
            train_seconds: self.state.seconds,
            images_per_second: images as f64 / self.state.seconds.max(1e-9),
            model: self.network.name,
            parameters: self.network.store.parameter_count(),
            epochs: self.arguments.epochs,
            seed: self.arguments.seed,
            device: &info.name,
            driver: &info.driver_info,
            memory_high_water: self.context.memory().high_water,
        };
        let path = self.path("metrics.jsonl");
        metrics::write(&path, &self.epochs, Some(&last))?;
        say!(
            "test accuracy {:.2} % on {} images, after {:.1} s of training",
            100.0 * answers.accuracy,
            answers.predicted.len(),
            self.state.seconds
        );
        say!("  metrics                          {}", path.display());
        say!("  weights                          {}", weights.display());
        for (what, path) in report::draw(&self.arguments.output, &self.epochs, &*self.test, &answers)? {
            say!("  {what:<32} {}", path.display());
        }
        Ok(())
    }

    /// Times every kernel over `steps` steps (after two to warm up), and prints the table.
    pub fn profile(&mut self, steps: u64) -> Result<()> {
        let mut pending = Pending::default();
        let wanted = usize::try_from(steps).unwrap_or(usize::MAX).saturating_add(2);
        for (at, batch) in self.loader.epoch(0)?.take(wanted).enumerate() {
            if at == 2 {
                self.context.start_profile()?;
            }
            self.step(&batch?, &mut pending)?;
        }
        print!("{}", self.context.finish_profile()?);
        Ok(())
    }
}

fn progress(batches: u64, epoch: u64, epochs: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("epoch {prefix} [{bar:30}] {pos}/{len} {msg}  {eta} left")
        .map(|style| style.progress_chars("=> "))
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::with_draw_target(Some(batches), ProgressDrawTarget::stderr()).with_style(style);
    bar.with_prefix(format!("{epoch}/{epochs}"))
}

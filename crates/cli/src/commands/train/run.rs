//! A training run of the program: data and network by its arguments, its words and files, its end.

use std::{path::PathBuf, sync::Arc};

use tilewright_data::{
    Compose, DataLoader, FashionMnist, ImageDataset, LoaderOptions, Normalize, RandomCrop,
    RandomHorizontalFlip, Sampler, Subset,
};
use tilewright_nn::{
    ParameterStore, StateDict,
    optim::{AdamW, Optimizer, Schedule, Sgd},
};
use tilewright_ops::{self as ops, CrossEntropy};
use tilewright_runtime::Context;
use tilewright_train::{
    Answers, Classification, LoaderSource, MetricsFile, Options, Outcome, Scores, Source, Trainer,
};
use tilewright_zoo::{self as zoo, Network, build};

use super::{
    arguments::{Arguments, OptimizerName},
    report::{self, FinalRecord},
    say::say,
    watch::Watch,
};
use crate::{error::Error, error::Result};

/// Images of a batch that is evaluated.
const EVALUATED: usize = 250;

/// What is trained: the images, the network, what is learnt.
pub struct Work<'a> {
    arguments: &'a Arguments,
    context: &'a Context,
    train: LoaderSource,
    test: LoaderSource,
    test_images: Arc<dyn ImageDataset>,
    network: Network,
    task: Classification,
}

impl<'a> Work<'a> {
    /// Loads the images and builds the network.
    pub fn new(arguments: &'a Arguments, context: &'a Context) -> Result<Self> {
        let data = FashionMnist::load(&FashionMnist::data_dir(arguments.data.as_deref()))?;
        let normalize = Arc::new(Normalize::new(&FashionMnist::MEAN, &FashionMnist::STD)?);
        let train: Arc<dyn ImageDataset> = match arguments.limit {
            Some(limit) => Arc::new(Subset::first(Arc::new(data.train), limit)),
            None => Arc::new(data.train),
        };
        let test_images: Arc<dyn ImageDataset> = Arc::new(data.test);
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
        let transform = Arc::new(transform.then(Normalize::clone(&normalize)));
        let loader = DataLoader::new(train.clone(), transform, loader_options)?;
        let test_options = LoaderOptions { batch_size: EVALUATED, ..LoaderOptions::default() };
        let test = LoaderSource(DataLoader::new(test_images.clone(), normalize, test_options)?);
        let store = ParameterStore::new(context, arguments.seed);
        let options = zoo::Options::new(image, train.class_names().len());
        let network = build(&arguments.model, &store, options)?;
        let loss = CrossEntropy { label_smoothing: arguments.label_smoothing, ..CrossEntropy::default() };
        let task = Classification::new(loss);
        Ok(Self { arguments, context, train: LoaderSource(loader), test, test_images, network, task })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.arguments.output.join(name)
    }

    fn metrics(&self) -> MetricsFile {
        MetricsFile::new(self.path("metrics.jsonl")).samples_called("images")
    }

    fn trainer(&self) -> Result<Trainer<'_>> {
        let Arguments { momentum, weight_decay, .. } = *self.arguments;
        let lr = self.arguments.learning_rate();
        let parameters = self.network.store.parameters();
        let optimizer: Box<dyn Optimizer> = match self.arguments.optimizer {
            OptimizerName::Sgd => {
                let nesterov = momentum > 0.0;
                Box::new(Sgd::new(
                    parameters,
                    ops::Sgd { lr, momentum, nesterov, weight_decay, dampening: 0.0 },
                )?)
            }
            OptimizerName::Adamw => {
                Box::new(AdamW::new(parameters, ops::AdamW { lr, weight_decay, ..ops::AdamW::default() })?)
            }
        };
        let steps = self.arguments.epochs.saturating_mul(self.train.batches());
        let schedule = Schedule::Cosine { lr, min_lr: lr * 1e-3, warmup: (steps / 20).min(200), steps };
        let options = Options {
            run: self.arguments.description(),
            seed: self.arguments.seed,
            epochs: self.arguments.epochs,
            checkpoint: Some(self.path("checkpoint.safetensors")),
            ..Options::default()
        };
        let (module, store) = (&*self.network.module, &self.network.store);
        let mut trainer = Trainer::new(module, store, &self.task, optimizer, schedule, options)?;
        if self.arguments.resume {
            self.resume(&mut trainer)?;
        }
        Ok(trainer)
    }

    fn resume(&self, trainer: &mut Trainer<'_>) -> Result<()> {
        let metrics = self.metrics();
        trainer.resume(&self.path("checkpoint.safetensors"))?;
        let epochs = trainer.state().epoch;
        let records = metrics.read(epochs);
        if (records.len() as u64) < epochs {
            eprintln!(
                "warning: {} holds {} of {epochs} epochs; the curves begin where it does",
                metrics.path().display(),
                records.len(),
            );
        }
        trainer.set_records(records);
        say!("resuming after epoch {epochs}, batch {}", trainer.state().batch);
        Ok(())
    }

    /// Trains to the last epoch and writes the results; false if the user stopped it.
    pub fn train(&self) -> Result<bool> {
        let mut trainer = self.trainer()?;
        let info = self.context.adapter_info();
        say!("{} on {} ({})", self.network.name, info.name, info.driver_info);
        say!(
            "{} parameters, {} training images, {} test images",
            self.network.store.parameter_count(),
            self.train.samples(),
            self.test_images.len()
        );
        // A folder that cannot be written is found before the work, not after.
        let folder = &self.arguments.output;
        std::fs::create_dir_all(folder)
            .and_then(|()| tempfile::tempfile_in(folder))
            .map_err(|error| Error::file(folder, error))?;
        let mut watch = Watch::new(self.metrics());
        let outcome = trainer.run(&self.train, Some(&self.test), &mut [&mut watch]);
        if outcome.map_err(diverged)? == Outcome::Stopped {
            watch.abandon();
            eprintln!(
                "stopped after epoch {}, batch {}; the same command with --resume goes on from {}",
                trainer.state().epoch,
                trainer.state().batch,
                self.path("checkpoint.safetensors").display()
            );
            return Ok(false);
        }
        self.finish(&trainer)?;
        Ok(true)
    }

    /// Evaluates once more, writes the weights, the last line of metrics and the pictures.
    fn finish(&self, trainer: &Trainer<'_>) -> Result<()> {
        let (scores, answers) = self.answers()?;
        let accuracy = scores.metric("accuracy").unwrap_or_default();
        let weights = self.path("model.safetensors");
        StateDict::of(&self.network.store)?.write(&weights)?;
        let info = self.context.adapter_info();
        let images = self.arguments.epochs.saturating_mul(self.train.samples());
        let seconds = trainer.state().seconds;
        let last = FinalRecord {
            test_accuracy: accuracy,
            test_images: answers.predicted.len(),
            train_seconds: seconds,
            images_per_second: images as f64 / seconds.max(1e-9),
            model: self.network.name,
            parameters: self.network.store.parameter_count(),
            epochs: self.arguments.epochs,
            seed: self.arguments.seed,
            device: &info.name,
            driver: &info.driver_info,
            memory_high_water: self.context.memory().high_water,
        };
        let metrics = self.metrics();
        metrics.write(trainer.records(), Some(&last))?;
        let count = answers.predicted.len();
        say!("test accuracy {:.2} % on {count} images, after {seconds:.1} s of training", 100.0 * accuracy);
        let made = report::draw(&self.arguments.output, trainer.records(), &*self.test_images, &answers)?;
        let files = [("metrics", metrics.path().to_owned()), ("weights", weights)];
        for (what, path) in files.into_iter().chain(made) {
            say!("  {what:<32} {}", path.display());
        }
        Ok(())
    }

    /// The network's answers on every test image, in order.
    fn answers(&self) -> Result<(Scores, Answers)> {
        let mut all = Answers::default();
        let module = &*self.network.module;
        let scores =
            tilewright_train::evaluate(self.context, module, &self.task, &self.test, |_, outputs| {
                let Answers { predicted, confidence } = self.task.answers(outputs)?;
                all.predicted.extend(predicted);
                all.confidence.extend(confidence);
                Ok(())
            })?;
        Ok((scores, all))
    }

    /// Times every kernel over `steps` steps (after two to warm up), and prints the table.
    pub fn profile(&self, steps: u64) -> Result<()> {
        let mut trainer = self.trainer()?;
        let wanted = usize::try_from(steps).unwrap_or(usize::MAX).saturating_add(2);
        for (at, batch) in self.train.epoch(0, 0)?.take(wanted).enumerate() {
            if at == 2 {
                self.context.start_profile()?;
            }
            trainer.step(&batch?)?;
        }
        print!("{}", self.context.finish_profile()?);
        Ok(())
    }
}

/// A loss that is no number is a matter of the argument.
fn diverged(error: tilewright_train::Error) -> Error {
    match error {
        tilewright_train::Error::Diverged { loss, step } => Error::Argument {
            argument: "--lr",
            reason: format!("the loss is {loss} at step {step}; lower it"),
        },
        other => other.into(),
    }
}

//! A training run of the program: data and network by its arguments, its words and files, its end.

use std::{path::PathBuf, sync::Arc};

use tilewright_data::{DataLoader, LoaderOptions, Sampler};
use tilewright_nn::{Module, ParameterStore, optim::EmaOptions};
use tilewright_ops::CrossEntropy;
use tilewright_runtime::Context;
use tilewright_train::{
    Answers, Callback, Classification, EarlyStopping, Flow, LoaderSource, LossScaling, MetricsFile,
    MultiLabel, Options, Outcome, Scores, Segmentation, Source, Task, Trainer,
};
use tilewright_zoo::{self as zoo, Network, build};

use super::{
    arguments::Arguments,
    images::{Data, Truth},
    quantize::{Aware, Int8Record},
    report::{self, FinalRecord},
    say::say,
    transfer,
    watch::Watch,
};
use crate::{error::Error, error::Result, trained::Trained};

/// Images of a batch that is evaluated: small ones, and pictures.
const EVALUATED: (usize, usize) = (250, 16);
/// Pixels of an image from which on it is a picture.
const PICTURE: usize = 64 * 64;
/// Where the network in bytes goes: with its graph, and as numbers for the network of the zoo.
const IN_BYTES: [&str; 2] = ["model.onnx", "int8.safetensors"];

/// What is trained: the images, the network, what is learnt.
pub struct Work<'a> {
    arguments: &'a Arguments,
    context: &'a Context,
    train: LoaderSource,
    test: LoaderSource,
    data: Data,
    network: Network,
    task: Learnt,
    /// Where it sees the roundings of int8, and the accuracy that it began with.
    aware: Option<Aware>,
}

/// What is learnt.
enum Learnt {
    Class(Classification),
    Classes(MultiLabel),
    Pixels(Segmentation),
}

impl Learnt {
    fn task(&self) -> &dyn Task {
        match self {
            Self::Class(task) => task,
            Self::Classes(task) => task,
            Self::Pixels(task) => task,
        }
    }
}

impl<'a> Work<'a> {
    /// Loads the images and builds the network.
    pub fn new(arguments: &'a Arguments, context: &'a Context) -> Result<Self> {
        let entry = zoo::entry(&arguments.model)?;
        let [_, height, width] = entry.image;
        let file = arguments.transfer.weights.as_deref().map(crate::weights::open).transpose()?;
        let begun = file.as_ref().and_then(|file| Trained::of(file.metadata.as_deref()));
        let data = arguments.data.open([height, width], begun.as_ref(), arguments.seed, arguments.workers)?;
        let wanted =
            if data.truth == Truth::Mask { zoo::Task::Segmentation } else { zoo::Task::Classification };
        if entry.task != wanted {
            let (does, has) = (entry.task.name(), data.truth.task());
            let reason =
                format!("{} is a network for {does}, and the images are labelled for {has}", entry.name);
            return Err(Error::Argument { argument: "--model", reason });
        }
        let loss = CrossEntropy { label_smoothing: arguments.label_smoothing, ..CrossEntropy::default() };
        let task = match data.truth {
            Truth::Class => Learnt::Class(Classification::new(loss)),
            Truth::Classes => Learnt::Classes(MultiLabel::default()),
            Truth::Mask => Learnt::Pixels(Segmentation::new(data.train.class_names().len())?),
        };
        let loader_options = LoaderOptions {
            batch_size: arguments.batch_size,
            // The last batch may be too small for its statistics to mean anything.
            drop_last: data.train.len() >= arguments.batch_size,
            sampler: Sampler::Shuffled { seed: arguments.seed },
            seed: arguments.seed,
            workers: arguments.workers,
            prefetch: arguments.workers.max(1) * 4,
        };
        let transform = Arc::new(
            data.augmented(arguments.data.augment, arguments.data.color_jitter)?.then(data.normalize()?),
        );
        let train = LoaderSource(DataLoader::new(data.train.clone(), transform, loader_options)?);
        let [_, height, width] = data.image;
        let batch_size = if height * width < PICTURE { EVALUATED.0 } else { EVALUATED.1 };
        let test_options = LoaderOptions { batch_size, ..LoaderOptions::default() };
        let transform = Arc::new(data.view()?.then(data.normalize()?));
        let test = LoaderSource(DataLoader::new(data.test.clone(), transform, test_options)?);
        let store = ParameterStore::new(context, arguments.seed);
        let classes = data.train.class_names().len();
        let auxiliary = arguments.auxiliary
            || file.as_ref().is_some_and(|file| transfer::has_auxiliary(&file.state.names()));
        let make = |store: &ParameterStore, classes: usize| {
            build(&arguments.model, store, zoo::Options::new(data.image, classes).auxiliary(auxiliary))
        };
        let network = make(&store, classes)?;
        if arguments.auxiliary && network.module.outputs().len() == 1 {
            let reason =
                format!("{} has no auxiliary heads; GoogLeNet, FCN and DeepLabV3 have", network.name);
            return Err(Error::Argument { argument: "--auxiliary", reason });
        }
        arguments.transfer.load(&store, |store, classes| Ok(make(store, classes).map(|_| ())?), classes)?;
        let (network, aware) = if arguments.quantize.is_on() {
            let (network, aware) = arguments.quantize.prepare(context, network, &train)?;
            (network, Some(aware))
        } else {
            (network, None)
        };
        Ok(Self { arguments, context, train, test, data, network, task, aware })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.arguments.output.join(name)
    }

    fn metrics(&self) -> MetricsFile {
        MetricsFile::new(self.path("metrics.jsonl")).samples_called("images")
    }

    fn trainer(&self) -> Result<Trainer<'_>> {
        let Arguments { seed, epochs, accumulate, evaluate_every, .. } = *self.arguments;
        let optimizer = self.arguments.optimizer.optimizer(&self.network.store)?;
        let steps = epochs.saturating_mul(self.train.batches().div_ceil(accumulate.max(1)));
        let schedule = self.arguments.optimizer.schedule(steps);
        let options = Options {
            run: self.arguments.description(),
            seed,
            epochs,
            accumulate,
            evaluate_every,
            freezing: self.arguments.transfer.freezing(),
            clip: self.arguments.optimizer.clip(),
            ema: self.arguments.ema.map(EmaOptions::decay),
            half: self.arguments.half().then(LossScaling::default),
            checkpoint_activations: self.arguments.checkpoint_activations,
            detect_anomaly: self.arguments.detect_anomaly,
            checkpoint: Some(self.path("checkpoint.safetensors")),
            ..Options::default()
        };
        let (module, store) = (&*self.network.module, &self.network.store);
        let mut trainer = Trainer::new(module, store, self.task.task(), optimizer, schedule, options)?;
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
            self.data.test.len()
        );
        // A folder that cannot be written is found before the work, not after.
        let folder = &self.arguments.output;
        std::fs::create_dir_all(folder)
            .and_then(|()| tempfile::tempfile_in(folder))
            .map_err(|error| Error::file(folder, error))?;
        let mut watch = Watch::new(self.metrics());
        let mut early = self.arguments.early_stop.map(EarlyStopping::new);
        // A run that had stopped early stays so when it is resumed.
        let before = match &mut early {
            Some(early) if !trainer.records().is_empty() => early.epoch_end(trainer.records())?,
            _ => Flow::Continue,
        };
        let mut callbacks: Vec<&mut dyn Callback> = vec![&mut watch];
        let mut freezing = self.aware.as_ref().map(Aware::freezing);
        callbacks.extend(freezing.as_mut().map(|freezing| freezing as &mut dyn Callback));
        callbacks.extend(early.as_mut().map(|early| early as &mut dyn Callback));
        let outcome = if before == Flow::Stop {
            Outcome::Stopped
        } else {
            trainer.run(&self.train, Some(&self.test), &mut callbacks).map_err(diverged)?
        };
        if outcome == Outcome::Stopped && watch.interrupted() {
            watch.abandon();
            eprintln!(
                "stopped after epoch {}, batch {}; the same command with --resume goes on from {}",
                trainer.state().epoch,
                trainer.state().batch,
                self.path("checkpoint.safetensors").display()
            );
            return Ok(false);
        }
        if outcome == Outcome::Stopped {
            say!("stopped after epoch {}: the loss on the test images falls no more", trainer.state().epoch);
        }
        self.finish(&mut trainer)?;
        Ok(true)
    }

    /// Evaluates once more, writes the weights, the last line of metrics and the pictures.
    fn finish(&self, trainer: &mut Trainer<'_>) -> Result<()> {
        let weights = self.path("model.safetensors");
        let (scores, answers, int8) = trainer.averaged(|| {
            let (store, about) = (&self.network.store, self.trained().text());
            match &self.aware {
                Some(aware) => aware.weights(store, about)?.write(&weights)?,
                None => transfer::weights(store, about)?.write(&weights)?,
            }
            let (scores, answers) = self.answers()?;
            let int8 = self.aware.as_ref().map(|aware| self.in_bytes(aware)).transpose()?;
            Ok::<_, Error>((scores, answers, int8))
        })??;
        let accuracy = report::accuracy(&scores);
        let info = self.context.adapter_info();
        let epochs = trainer.state().epoch;
        let images = epochs.saturating_mul(self.train.samples());
        let seconds = trainer.state().seconds;
        let last = FinalRecord {
            test_accuracy: accuracy,
            test_images: self.data.test.len(),
            train_seconds: seconds,
            images_per_second: images as f64 / seconds.max(1e-9),
            model: self.network.name,
            parameters: self.network.store.parameter_count(),
            epochs,
            seed: self.arguments.seed,
            device: &info.name,
            driver: &info.driver_info,
            memory_high_water: self.context.memory().high_water,
            test_mean_iou: scores.metric("mean_iou"),
            skipped_steps: trainer.state().scale.map(|scale| scale.skipped),
            int8,
        };
        let metrics = self.metrics();
        metrics.write(trainer.records(), Some(&last))?;
        let count = self.data.test.len();
        say!("test accuracy {:.2} % on {count} images, after {seconds:.1} s of training", 100.0 * accuracy);
        if let Some(int8) = &last.int8 {
            let [products, all] = int8.products;
            say!(
                "in int8 {:.2} %, {products} of {all} convolutions and products; in f32 before {:.2} %",
                100.0 * int8.test_accuracy,
                100.0 * int8.f32_accuracy
            );
        }
        let view = self.data.view()?;
        let made = report::draw(
            &self.arguments.output,
            trainer.records(),
            &report::Images { dataset: &*self.data.test, view: &view },
            answers.as_ref(),
        )?;
        let files = [("metrics", metrics.path().to_owned()), ("weights", weights)];
        let bytes = IN_BYTES.map(|name| ("network in int8", self.path(name)));
        let bytes = bytes.into_iter().filter(|_| last.int8.is_some());
        for (what, path) in files.into_iter().chain(bytes).chain(made) {
            say!("  {what:<32} {}", path.display());
        }
        Ok(())
    }

    /// Writes the network in bytes, and tries it and the one that training began with.
    fn in_bytes(&self, aware: &Aware) -> Result<Int8Record> {
        let [onnx, numbers] = IN_BYTES.map(|name| self.path(name));
        let about = self.trained().text();
        let (bytes, layers) = aware.convert([&onnx, &numbers], self.network.name, about)?;
        let accuracy = |module: &dyn Module| -> Result<f64> {
            let see = |_: &_, _: &_| Ok(());
            let scores = tilewright_train::evaluate(self.context, module, self.task.task(), &self.test, see)?;
            Ok(report::accuracy(&scores))
        };
        Ok(Int8Record {
            test_accuracy: accuracy(&bytes)?,
            f32_accuracy: accuracy(&*aware.plain)?,
            products: layers.products(),
            weight_bytes: layers.weight_bytes(),
        })
    }

    /// What goes beside the weights.
    fn trained(&self) -> Trained {
        Trained {
            model: self.network.name.to_owned(),
            task: self.data.truth.task().to_owned(),
            classes: self.data.train.class_names().to_vec(),
            image: self.data.image,
            mean: self.data.mean.clone(),
            std: self.data.std.clone(),
        }
    }

    /// Loss and metrics on the test images, and the network's answers in order where each has one.
    fn answers(&self) -> Result<(Scores, Option<Answers>)> {
        let mut all = Answers::default();
        let module = &*self.network.module;
        let task = self.task.task();
        let scores = tilewright_train::evaluate(self.context, module, task, &self.test, |_, outputs| {
            if let Learnt::Class(task) = &self.task {
                let Answers { predicted, confidence } = task.answers(outputs)?;
                all.predicted.extend(predicted);
                all.confidence.extend(confidence);
            }
            Ok(())
        })?;
        Ok((scores, matches!(self.task, Learnt::Class(_)).then_some(all)))
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

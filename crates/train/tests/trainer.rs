//! The loop: what callbacks see, that a stop is a pause, that a resumed run has the same bits, and what is refused.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::Path;

use tilewright_nn::{
    HostTensor, INPUT, ParameterStore, Sequential, StateDict,
    layers::{Activation, Dropout, Linear},
    optim::{AdamW, Schedule},
};
use tilewright_ops::{self as ops, UnaryOp};
use tilewright_runtime::Context;
use tilewright_train::{
    Batch, Batches, Callback, Classification, EarlyStopping, EpochRecord, Error, Flow, MetricsFile, Options,
    Outcome, Progress, Reading, Result, Scores, Source, TARGET, Trainer,
};

const BATCHES: u64 = 7;

/// Points of a plane, told apart by the sign of x·y.
struct Points {
    /// Which batch fails, if one does.
    fails: Option<u64>,
    /// How many come.
    come: u64,
}

impl Default for Points {
    fn default() -> Self {
        Self { fails: None, come: BATCHES }
    }
}

impl Source for Points {
    fn batches(&self) -> u64 {
        BATCHES
    }

    fn samples(&self) -> u64 {
        8 * BATCHES
    }

    fn epoch(&self, epoch: u64, first: u64) -> Result<Batches<'_>> {
        Ok(Box::new((first..self.come).map(move |batch| {
            if self.fails == Some(batch) {
                return Err(Error::program("the tape broke"));
            }
            let seed = epoch * BATCHES + batch;
            let points: Vec<f32> =
                (0..16).map(|i| ((seed * 53 + i * 37 + i * i * seed) % 41) as f32 / 20.0 - 1.0).collect();
            let labels = points.chunks(2).map(|point| i64::from(point[0] * point[1] > 0.0)).collect();
            let batch = Batch::new(8).input(INPUT, HostTensor::F32(points, vec![8, 2]));
            Ok(batch.target(TARGET, HostTensor::I64(labels, vec![8])))
        })))
    }
}

struct Net {
    store: ParameterStore,
    layers: Sequential,
}

fn net(context: &Context) -> Net {
    let store = ParameterStore::new(context, 5);
    let layers = Sequential::new()
        .then(Linear::new(&(store.root() / 0), 2, 16).unwrap())
        .then(Activation(UnaryOp::Relu))
        .then(Dropout::new(0.1).unwrap())
        .then(Linear::new(&(store.root() / 1), 16, 2).unwrap());
    Net { store, layers }
}

fn trainer<'a>(net: &'a Net, task: &'a Classification, options: Options) -> Result<Trainer<'a>> {
    let op = ops::AdamW::default();
    let optimizer = Box::new(AdamW::new(net.store.parameters(), op).unwrap());
    Trainer::new(&net.layers, &net.store, task, optimizer, Schedule::Constant { lr: 0.01 }, options)
}

fn options(epochs: u64, checkpoint: Option<&Path>) -> Options {
    Options {
        run: "points".to_owned(),
        epochs,
        read_every: 3,
        checkpoint: checkpoint.map(Path::to_owned),
        ..Options::default()
    }
}

/// Writes down what it is told, and stops where it is told to.
#[derive(Default)]
struct Diary {
    lines: Vec<String>,
    stop_at: Option<u64>,
}

impl Callback for Diary {
    fn epoch_begin(&mut self, progress: &Progress) -> Result<()> {
        self.lines.push(format!("epoch {} of {} at {}", progress.epoch, progress.epochs, progress.batch));
        Ok(())
    }

    fn step_end(&mut self, progress: &Progress) -> Result<Flow> {
        self.lines.push(format!("step {}", progress.step));
        Ok(if self.stop_at == Some(progress.step) { Flow::Stop } else { Flow::Continue })
    }

    fn reading(&mut self, progress: &Progress, reading: &Reading) -> Result<Flow> {
        assert!(reading.loss > 0.0 && reading.samples_per_second > 0.0);
        self.lines.push(format!("reading {} of {}", progress.batch, progress.batches));
        Ok(Flow::Continue)
    }

    fn epoch_end(&mut self, records: &[EpochRecord]) -> Result<Flow> {
        self.lines.push(format!("record {}", records.last().unwrap().epoch));
        Ok(Flow::Continue)
    }

    fn checkpoint_written(&mut self, path: &Path) -> Result<()> {
        assert!(path.exists());
        self.lines.push("checkpoint".to_owned());
        Ok(())
    }
}

#[test]
fn callbacks_see_everything_in_order() {
    let (context, folder) = (Context::new().unwrap(), tempfile::tempdir().unwrap());
    let (net, task, path) = (net(&context), Classification::default(), folder.path().join("c.safetensors"));
    let mut trainer = trainer(&net, &task, options(2, Some(&path))).unwrap();
    let mut diary = Diary { stop_at: Some(9), ..Diary::default() };
    let outcome = trainer.run(&Points::default(), None, &mut [&mut diary, &mut ()]).unwrap();
    assert_eq!(outcome, Outcome::Stopped);
    let said = diary.lines.join(", ");
    assert_eq!(
        said,
        "epoch 0 of 2 at 0, step 1, step 2, step 3, reading 3 of 7, step 4, step 5, step 6, reading 6 of 7, step 7, \
         reading 7 of 7, record 1, checkpoint, epoch 1 of 2 at 0, step 8, step 9, reading 2 of 7, checkpoint"
    );
    assert_eq!((trainer.state().epoch, trainer.state().batch, trainer.state().step), (1, 2, 9));
    // A stop at an epoch's end is one behind it, and none at the end of the last.
    let mut diary = Diary { stop_at: Some(14), ..Diary::default() };
    assert_eq!(trainer.run(&Points::default(), None, &mut [&mut diary]).unwrap(), Outcome::Finished);
    assert_eq!(trainer.records().len(), 2);
}

fn trained(stops: &[u64], folder: &Path, every: Option<u64>) -> (StateDict, Vec<EpochRecord>) {
    let context = Context::new().unwrap();
    let (path, metrics) = (folder.join("c.safetensors"), MetricsFile::new(folder.join("m.jsonl")));
    let task = Classification::default();
    for stop_at in stops.iter().copied().map(Some).chain([None]) {
        // As another process would: nothing is left but the files.
        let net = net(&context);
        let options = Options { checkpoint_every: every, ..options(3, Some(&path)) };
        let mut trainer = trainer(&net, &task, options).unwrap();
        if path.exists() {
            trainer.resume(&path).unwrap();
            trainer.set_records(metrics.read(trainer.state().epoch));
        }
        let mut diary = Diary { stop_at, ..Diary::default() };
        let outcome = trainer.run(&Points::default(), Some(&Points::default()), &mut [&mut diary]).unwrap();
        metrics.write_epochs(trainer.records()).unwrap();
        if outcome == Outcome::Finished {
            assert_eq!(stop_at, None, "it was to be stopped");
            return (StateDict::of(&net.store).unwrap(), trainer.records().to_vec());
        }
    }
    panic!("it never finished");
}

#[test]
fn a_resumed_run_has_the_same_bits() {
    let folder = || tempfile::tempdir().unwrap();
    let (whole, records) = trained(&[], folder().path(), None);
    assert!(records[2].train.loss < records[0].train.loss);
    assert!(records[2].test.as_ref().unwrap().metric("accuracy").unwrap() > 0.5, "{records:?}");
    let counted = |records: &[EpochRecord]| -> Vec<_> {
        records.iter().map(|record| (record.train.metrics.clone(), record.test.clone())).collect()
    };
    // In the middle of a reading, at an epoch's end, in its first and last batch.
    for stops in [&[2][..], &[7], &[8, 9], &[3, 10, 13, 20]] {
        let (resumed, again) = trained(stops, folder().path(), None);
        assert!(resumed == whole, "stopped at {stops:?}");
        assert_eq!(counted(&again), counted(&records), "stopped at {stops:?}");
    }
    // Checkpoints between the epochs' ends change nothing.
    assert!(trained(&[5], folder().path(), Some(4)).0 == whole);
}

#[test]
fn early_stopping_waits_for_its_patience() {
    let record = |loss: f64| EpochRecord {
        epoch: 1,
        train: Scores { loss, metrics: vec![] },
        test: None,
        lr: 0.1,
        samples_per_second: 1.0,
        seconds: 1.0,
        step_losses: vec![],
    };
    let flows = |losses: &[f64]| -> Vec<bool> {
        let records: Vec<_> = losses.iter().map(|&loss| record(loss)).collect();
        let mut early = EarlyStopping::new(2);
        (1..=records.len()).map(|count| early.epoch_end(&records[..count]).unwrap() == Flow::Stop).collect()
    };
    assert_eq!(flows(&[3.0, 2.0, 2.5, 1.0, 1.5, 1.0]), [false, false, false, false, false, true]);
    assert_eq!(flows(&[1.0, f64::NAN, 2.0]), [false, false, true]);
}

#[test]
fn what_cannot_be_is_an_error() {
    let (context, folder) = (Context::new().unwrap(), tempfile::tempdir().unwrap());
    let (net, task) = (net(&context), Classification::default());
    for wrong in [
        Options { epochs: 0, ..Options::default() },
        Options { read_every: 0, ..Options::default() },
        Options { checkpoint_every: Some(0), ..Options::default() },
    ] {
        assert!(matches!(trainer(&net, &task, wrong), Err(Error::Option { .. })));
    }
    let run = |source: &dyn Source| {
        let mut trainer = trainer(&net, &task, options(1, None)).unwrap();
        trainer.run(source, None, &mut []).unwrap_err()
    };
    let broken = run(&Points { fails: Some(4), ..Points::default() });
    assert!(matches!(broken, Error::Program(_)) && broken.to_string() == "the tape broke", "{broken}");
    let short = run(&Points { come: 5, ..Points::default() });
    assert!(matches!(short, Error::ShortEpoch { epoch: 0, found: 5, promised: BATCHES }), "{short}");
    // A callback's own error ends the run.
    struct Fails;
    impl Callback for Fails {
        fn step_end(&mut self, progress: &Progress) -> Result<Flow> {
            Err(Error::program(format!("no more than {} steps", progress.step)))
        }
    }
    let mut ends = trainer(&net, &task, options(1, None)).unwrap();
    let error = ends.run(&Points::default(), None, &mut [&mut Fails]).unwrap_err();
    assert_eq!(error.to_string(), "no more than 1 steps");
    // Targets: none, of another type, beyond 32 bits.
    let step = |batch: Batch| {
        trainer(&net, &task, options(1, None)).unwrap().step(&batch).err().unwrap().to_string()
    };
    let points = || Batch::new(1).input(INPUT, HostTensor::F32(vec![0.5; 2], vec![1, 2]));
    assert!(step(points()).contains("there is no value `target`"));
    let most = i64::from(i32::MAX) + 1;
    let said = step(points().target(TARGET, HostTensor::I64(vec![most], vec![1])));
    assert!(said.contains("`target`") && said.contains("2147483648") && said.contains("32 bits"), "{said}");
    assert!(step(points().target(TARGET, HostTensor::F32(vec![0.0], vec![1]))).contains("cross_entropy"));
    // The checkpoint of another run.
    let path = folder.path().join("c.safetensors");
    trainer(&net, &task, options(1, Some(&path))).unwrap().run(&Points::default(), None, &mut []).unwrap();
    let mut other = trainer(&net, &task, Options { run: "other".to_owned(), ..options(1, None) }).unwrap();
    let error = other.resume(&path).unwrap_err();
    assert!(matches!(&error, Error::Nn(tilewright_nn::Error::Resume { .. })), "{error}");
    assert_eq!(other.state().step, 0, "nothing has changed");
}

#[test]
fn a_loss_that_is_no_number_ends_the_run() {
    let context = Context::new().unwrap();
    let (net, task) = (net(&context), Classification::default());
    let optimizer = Box::new(AdamW::new(net.store.parameters(), ops::AdamW::default()).unwrap());
    let schedule = Schedule::Constant { lr: 1e30 };
    let mut trainer =
        Trainer::new(&net.layers, &net.store, &task, optimizer, schedule, options(1, None)).unwrap();
    let error = trainer.run(&Points::default(), None, &mut []).unwrap_err();
    assert!(matches!(error, Error::Diverged { step: 3, .. }), "{error}");
}

#[test]
fn metrics_survive_their_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = MetricsFile::new(folder.path().join("metrics.jsonl")).samples_called("images");
    let scores = |loss| Scores { loss, metrics: vec![("top5".into(), 0.75), ("accuracy".into(), 0.1 + 0.2)] };
    let records = [1, 2].map(|epoch| EpochRecord {
        epoch,
        train: scores(1.0 / 3.0),
        test: (epoch == 2).then(|| scores(0.1)),
        lr: 0.1,
        samples_per_second: 1e3 / 7.0,
        seconds: 2.5,
        step_losses: vec![0.5, 1.0 / 7.0],
    });
    assert_eq!(file.read(9), [], "there is no file yet");
    file.write(&records, Some(&"last")).unwrap();
    assert_eq!(file.read(9), records);
    assert_eq!(file.read(1), records[..1]);
    let text = std::fs::read_to_string(file.path()).unwrap();
    let start = "{\"epoch\":1,\"train_loss\":0.3333333333333333,\"train_top5\":0.75,\"train_accuracy\":0.30000000000000004,\
                 \"lr\":0.1,\"images_per_second\":142.85714285714286,\"train_seconds\":2.5,\"step_losses\":[0.5,";
    assert!(text.starts_with(start), "{text}");
    assert!(text.ends_with("\"last\"\n"), "{text}");
}

/// Eight points, then two.
struct Short;

impl Source for Short {
    fn batches(&self) -> u64 {
        2
    }

    fn samples(&self) -> u64 {
        10
    }

    fn epoch(&self, _epoch: u64, first: u64) -> Result<Batches<'_>> {
        Ok(Box::new((first..2).map(|batch| {
            let samples = [8, 2][batch as usize];
            let points = (0..samples * 2).map(|i| (i as f32 - 7.0) / (3.0 - 2.0 * batch as f32)).collect();
            let labels = (0..samples).map(|i| (i % 2) as i64).collect();
            let batch = Batch::new(samples).input(INPUT, HostTensor::F32(points, vec![samples, 2]));
            Ok(batch.target(TARGET, HostTensor::I64(labels, vec![samples])))
        })))
    }
}

#[test]
fn a_short_last_batch_counts_by_its_samples() {
    let loss_when_read_every = |read_every| {
        let context = Context::new().unwrap();
        let (net, task) = (net(&context), Classification::default());
        let mut trainer = trainer(&net, &task, Options { read_every, ..options(1, None) }).unwrap();
        trainer.run(&Short, None, &mut []).unwrap();
        trainer.records()[0].train.loss
    };
    let (apart, together) = (loss_when_read_every(1), loss_when_read_every(2));
    assert!((apart - together).abs() < 1e-9 * apart, "{apart} and {together}");
}

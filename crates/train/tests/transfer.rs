//! Transfer, accumulation and mixed precision: what is frozen stays, groups have rates of their own, a head is new, batches add
//! up to a large one, halves train, and all of it goes on from a checkpoint to the same bits.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::Path;

use tilewright_autograd::Var;
use tilewright_nn::{
    Error as NnError, Freezing, HostTensor, INPUT, Layer, ParameterStore, Pass, PathPattern, StateDict,
    layers::{BatchNorm2d, Conv2d, Conv2dOptions, Linear},
    load_but_head,
    optim::{AdamW, Clip, EmaOptions, GroupRule, Grouped, Grouping, Optimizer, Schedule, Sgd},
};
use tilewright_ops as ops;
use tilewright_runtime::Context;
use tilewright_train::{
    Batch, Batches, Callback, Classification, Flow, LossScaling, Options, Progress, Result, Source, TARGET,
    Trainer,
};

/// Small images, told apart by where they are bright: `size` in a batch, `batches` of them.
struct Images {
    size: u64,
    samples: u64,
}

impl Source for Images {
    fn batches(&self) -> u64 {
        self.samples.div_ceil(self.size)
    }

    fn samples(&self) -> u64 {
        self.samples
    }

    fn epoch(&self, epoch: u64, first: u64) -> Result<Batches<'_>> {
        Ok(Box::new((first..self.batches()).map(move |batch| {
            let samples = batch * self.size..self.samples.min((batch + 1) * self.size);
            let (mut pixels, mut labels) = (Vec::new(), Vec::new());
            for sample in samples {
                let seed = epoch * self.samples + sample;
                labels.push((seed * 7 % 3) as i64);
                for place in 0..36u64 {
                    let noise = ((seed * 31 + place * 17 + place * place * seed) % 50) as f32 / 50.0;
                    let bright = [place < 12, place % 6 < 3, place > 24][(seed * 7 % 3) as usize];
                    pixels.push(noise + if bright { 1.0 } else { 0.0 });
                }
            }
            let count = labels.len();
            let batch = Batch::new(count).input(INPUT, HostTensor::F32(pixels, vec![count, 1, 6, 6]));
            Ok(batch.target(TARGET, HostTensor::I64(labels, vec![count])))
        })))
    }
}

/// `conv bn relu fc`, with or without its normalisation.
struct Net {
    store: ParameterStore,
    conv: Conv2d,
    bn: Option<BatchNorm2d>,
    fc: Linear,
}

impl Net {
    fn new(context: &Context, seed: u64, bn: bool, classes: usize) -> Self {
        let store = ParameterStore::new(context, seed);
        let root = store.root();
        let conv = Conv2d::new(&(&root / "conv"), 1, 4, [3, 3], Conv2dOptions::default().padding(1)).unwrap();
        let bn = bn.then(|| BatchNorm2d::new(&(&root / "bn"), 4).unwrap());
        let fc = Linear::new(&(&root / "fc"), 144, classes).unwrap();
        Self { store, conv, bn, fc }
    }

    fn state(&self) -> StateDict {
        StateDict::of(&self.store).unwrap()
    }
}

impl Layer for Net {
    fn forward(&self, x: &Var, pass: &Pass) -> tilewright_nn::Result<Var> {
        let x = self.conv.forward(x, pass)?;
        let x = match &self.bn {
            Some(bn) => bn.forward_relu(&x, pass)?,
            None => x.relu()?,
        };
        self.fc.forward(&x.flatten(1)?, pass)
    }
}

fn pattern(text: &str) -> PathPattern {
    text.parse().unwrap()
}

fn sgd(store: &ParameterStore) -> Box<dyn Optimizer> {
    let op = ops::Sgd { momentum: 0.9, weight_decay: 0.01, ..ops::Sgd::default() };
    Box::new(Sgd::new(store.parameters(), op).unwrap())
}

fn train(net: &Net, optimizer: Box<dyn Optimizer>, options: Options, images: &Images) -> u64 {
    let task = Classification::default();
    let schedule = Schedule::Constant { lr: 0.05 };
    let mut trainer = Trainer::new(net, &net.store, &task, optimizer, schedule, options).unwrap();
    trainer.run(images, None, &mut []).unwrap();
    trainer.state().step
}

fn difference(a: &StateDict, b: &StateDict) -> f32 {
    let mut worst = 0.0f32;
    for (name, value) in &a.tensors {
        let (HostTensor::F32(a, _), HostTensor::F32(b, _)) = (value, &b.tensors[name]) else { continue };
        a.iter().zip(b).for_each(|(a, b)| worst = worst.max((a - b).abs()));
    }
    worst
}

#[test]
fn batches_add_up_to_a_large_one() {
    let context = Context::new().unwrap();
    // 44 samples: two steps of 16, and one of 12 whose batches are 4, 4, 4; the large ones are 16, 16, 12.
    let trained = |size, accumulate| {
        let net = Net::new(&context, 3, false, 3);
        let options = Options { epochs: 3, accumulate, ..Options::default() };
        let steps = train(&net, sgd(&net.store), options, &Images { size, samples: 44 });
        (net.state(), steps)
    };
    let (large, steps) = trained(16, 1);
    assert_eq!(steps, 9);
    let (small, steps) = trained(4, 4);
    assert_eq!(steps, 9);
    let found = difference(&large, &small);
    assert!(found < 2e-6, "{found}");
    // A last batch that is shorter counts by its samples: 6, 6, 4 and 6, 6.
    let uneven = |size, accumulate, samples| {
        let net = Net::new(&context, 3, false, 3);
        let options = Options { epochs: 2, accumulate, ..Options::default() };
        train(&net, sgd(&net.store), options, &Images { size, samples });
        net.state()
    };
    let found = difference(&uneven(16, 1, 16), &uneven(6, 3, 16));
    assert!(found < 2e-6, "{found}");
    assert!(difference(&large, &Net::new(&context, 3, false, 3).state()) > 1e-2, "it has learnt something");
}

#[test]
fn what_is_frozen_stays_until_it_is_freed() {
    let context = Context::new().unwrap();
    let images = Images { size: 8, samples: 24 };
    let after = |freezing: Freezing, epochs| {
        let net = Net::new(&context, 3, true, 3);
        let before = net.state();
        let options = Options { epochs, freezing, ..Options::default() };
        train(&net, sgd(&net.store), options, &images);
        let after = net.state();
        let changed = after.tensors.iter().filter(|(name, value)| before.tensors[*name] != **value);
        changed.map(|(name, _)| name.clone()).collect::<Vec<_>>()
    };
    let statistics = ["bn.num_batches_tracked", "bn.running_mean", "bn.running_var"];
    let frozen = || Freezing::new().freeze(pattern("conv")).freeze(pattern("bn"));
    // Weight decay alone would have changed them.
    assert_eq!(after(frozen(), 2), ["fc.bias", "fc.weight"]);
    let tracked = after(frozen().track_statistics(true), 2);
    assert_eq!(tracked, [&statistics[..], &["fc.bias", "fc.weight"]].concat());
    let all = after(frozen().unfreeze(pattern("*"), 1), 2);
    assert_eq!(all.len(), 9, "{all:?}");
    assert_eq!(after(frozen().unfreeze(pattern("*"), 1), 1), ["fc.bias", "fc.weight"]);
    let kept = after(Freezing::new().freeze_statistics(pattern("bn")), 2);
    assert_eq!(kept, ["bn.bias", "bn.weight", "conv.bias", "conv.weight", "fc.bias", "fc.weight"]);
}

#[test]
fn a_normalisation_whose_statistics_are_kept_runs_as_in_evaluation() {
    let context = Context::new().unwrap();
    let net = Net::new(&context, 3, true, 3);
    let x = Images { size: 8, samples: 8 }.epoch(0, 0).unwrap().next().unwrap().unwrap();
    let x = Var::constant(x.inputs[0].1.upload(&context, "x").unwrap());
    let answer = |pass: Pass| net.forward(&x, &pass).unwrap().tensor().to_vec::<f32>().unwrap();
    let (evaluated, trained) = (answer(Pass::eval()), answer(Pass::train(0, 0)));
    assert_ne!(evaluated, trained);
    let evaluated = answer(Pass::eval());
    let freezing = Freezing::new().freeze_statistics(pattern("bn"));
    assert_eq!(freezing.apply(&net.store, 0).statistics, 2);
    assert_eq!(answer(Pass::train(0, 1)), evaluated);
    assert!(Freezing::new().freeze(pattern("bm")).check(&net.store).is_err());
}

#[test]
fn groups_have_rates_and_decays_of_their_own() {
    let context = Context::new().unwrap();
    let grouped = |rules: Vec<GroupRule>, matrices_only| {
        let net = Net::new(&context, 3, true, 3);
        let grouping = Grouping { rules, weight_decay: 0.01, matrices_only };
        let groups = grouping.groups(&net.store.parameters()).unwrap();
        let make = |group: &tilewright_nn::optim::ParameterGroup| {
            let op = ops::Sgd { weight_decay: group.weight_decay, momentum: 0.9, ..ops::Sgd::default() };
            Ok::<_, NnError>(Box::new(Sgd::new(group.parameters.clone(), op)?) as Box<dyn Optimizer>)
        };
        let optimizer = Grouped::new(&groups, make).unwrap();
        train(&net, Box::new(optimizer), Options::default(), &Images { size: 8, samples: 8 });
        (groups.len(), net.state())
    };
    let rule = |text, lr_scale, weight_decay| GroupRule { pattern: pattern(text), lr_scale, weight_decay };
    let first = Net::new(&context, 3, true, 3).state();
    let moved = |state: &StateDict, name: &str| {
        let (HostTensor::F32(now, _), HostTensor::F32(before, _)) =
            (&state.tensors[name], &first.tensors[name])
        else {
            panic!("{name}");
        };
        now.iter().zip(before).map(|(now, before)| f64::from(now - before)).collect::<Vec<_>>()
    };
    let (count, plain) = grouped(vec![], false);
    assert_eq!(count, 1);
    let (count, scaled) = grouped(vec![rule("conv", Some(0.0), None), rule("fc", Some(10.0), None)], false);
    assert_eq!(count, 3);
    assert!(moved(&scaled, "conv.weight").iter().all(|&change| change == 0.0));
    for (once, ten) in moved(&plain, "fc.weight").iter().zip(moved(&scaled, "fc.weight")) {
        assert!((10.0 * once - ten).abs() < 1e-6, "{once} {ten}");
    }
    assert_eq!(plain.tensors["bn.bias"], scaled.tensors["bn.bias"]);
    // Of one axis alone without decay: the difference is lr · decay · weight.
    let (_, spared) = grouped(vec![], true);
    assert_eq!(plain.tensors["conv.weight"], spared.tensors["conv.weight"]);
    let HostTensor::F32(weight, _) = &first.tensors["bn.weight"] else { panic!() };
    for ((with, without), weight) in
        moved(&plain, "bn.weight").iter().zip(moved(&spared, "bn.weight")).zip(weight)
    {
        assert!((without - with - 0.05 * 0.01 * f64::from(*weight)).abs() < 1e-7, "{with} {without}");
    }
    // The last rule that says something counts.
    let net = Net::new(&context, 3, true, 3);
    let rules = vec![rule("*", Some(0.5), Some(0.1)), rule("fc", None, Some(0.2))];
    let groups = Grouping { rules, ..Grouping::default() }.groups(&net.store.parameters()).unwrap();
    let found: Vec<_> = groups.iter().map(|group| (group.lr_scale, group.weight_decay)).collect();
    assert_eq!(found, [(0.5, 0.1), (0.5, 0.2)]);
    for bad in [rule("cnv", Some(1.0), None), rule("fc", Some(-1.0), None), rule("fc", None, Some(f32::NAN))]
    {
        let grouping = Grouping { rules: vec![bad], ..Grouping::default() };
        assert!(grouping.groups(&net.store.parameters()).is_err());
    }
}

#[test]
fn a_head_is_left_out_and_said() {
    let context = Context::new().unwrap();
    let file = Net::new(&context, 9, true, 10).state();
    let net = Net::new(&context, 3, true, 3);
    let before = net.state();
    let report = load_but_head(&file, &net.store, &|name| name.starts_with("fc.")).unwrap();
    assert_eq!(report.fresh, ["fc.weight", "fc.bias"]);
    assert_eq!(report.left_out, ["fc.bias", "fc.weight"]);
    assert_eq!(report.loaded.len(), 7);
    let after = net.state();
    for (name, value) in &after.tensors {
        let expected = if name.starts_with("fc.") { &before } else { &file };
        assert_eq!(*value, expected.tensors[name], "{name}");
    }
    // What is not of the head must fit, and then nothing is loaded.
    let net = Net::new(&context, 3, true, 3);
    let error = load_but_head(&file, &net.store, &|name| name == "fc.weight").unwrap_err();
    assert!(error.to_string().contains("fc.bias"), "{error}");
    assert_eq!(net.state(), before);
}

#[test]
fn halves_train_and_steps_that_overflow_are_left_out() {
    let context = Context::new().unwrap();
    let images = Images { size: 8, samples: 48 };
    let task = Classification::default();
    let trained = |half: Option<LossScaling>, epochs| {
        let net = Net::new(&context, 3, true, 3);
        let options = Options { epochs, half, ..Options::default() };
        let schedule = Schedule::Constant { lr: 0.05 };
        let mut trainer = Trainer::new(&net, &net.store, &task, sgd(&net.store), schedule, options).unwrap();
        trainer.run(&images, None, &mut []).unwrap();
        let last = trainer.records().last().unwrap().train.loss;
        (net.state(), last, trainer.state().scale)
    };
    let (single, loss, none) = trained(None, 3);
    let (half, half_loss, scale) = trained(Some(LossScaling { interval: 5, ..LossScaling::default() }), 3);
    assert!(none.is_none());
    let scale = scale.unwrap();
    assert!(half_loss < 0.3 && (half_loss - loss).abs() < 0.05, "{half_loss} {loss}");
    let found = difference(&single, &half);
    assert!(found > 0.0 && found < 0.02, "{found}: halves are near, and not the same");
    // It grows until gradients overflow, and goes on from there.
    assert!(scale.scale > 65536.0, "{scale:?}");
    // A scale that is far too large: every step is left out until it has fallen.
    let (_, _, scale) =
        trained(Some(LossScaling { initial: 1e30, interval: 1000, ..LossScaling::default() }), 1);
    let scale = scale.unwrap();
    assert_eq!((scale.skipped, scale.good), (6, 0));
    let net = Net::new(&context, 3, false, 3);
    let before = net.state();
    let half = Some(LossScaling { initial: 1e30, backoff: 0.9, ..LossScaling::default() });
    train(&net, sgd(&net.store), Options { half, ..Options::default() }, &images);
    assert_eq!(net.state(), before, "steps that are left out change nothing");
}

/// Stops behind a step.
struct StopAt(u64);

impl Callback for StopAt {
    fn step_end(&mut self, progress: &Progress) -> Result<Flow> {
        Ok(if progress.step == self.0 { Flow::Stop } else { Flow::Continue })
    }
}

fn in_parts(context: &Context, stops: &[u64], path: &Path) -> (StateDict, StateDict) {
    let images = Images { size: 4, samples: 44 };
    let task = Classification::default();
    for stop in stops.iter().copied().chain([u64::MAX]) {
        let net = Net::new(context, 3, true, 3);
        let rules = vec![GroupRule { pattern: pattern("fc"), lr_scale: Some(2.0), weight_decay: None }];
        let groups = Grouping { rules, ..Grouping::default() }.groups(&net.store.parameters()).unwrap();
        let optimizer = Grouped::new(&groups, |group| {
            let op = ops::AdamW { weight_decay: group.weight_decay, ..ops::AdamW::default() };
            Ok::<_, NnError>(Box::new(AdamW::new(group.parameters.clone(), op)?) as Box<dyn Optimizer>)
        });
        let options = Options {
            run: "parts".to_owned(),
            epochs: 3,
            read_every: 2,
            accumulate: 3,
            freezing: Freezing::new().freeze(pattern("conv")).freeze(pattern("bn")).unfreeze(pattern("*"), 1),
            // It overflows at first, then grows now and then.
            half: Some(LossScaling { initial: 4e6, interval: 3, ..LossScaling::default() }),
            clip: Some(Clip::norm(0.5)),
            ema: Some(EmaOptions::decay(0.8)),
            checkpoint: Some(path.to_owned()),
            ..Options::default()
        };
        let schedule = Schedule::Cosine { lr: 0.02, min_lr: 0.0, warmup: 2, steps: 12 };
        let optimizer = Box::new(optimizer.unwrap());
        let mut trainer = Trainer::new(&net, &net.store, &task, optimizer, schedule, options).unwrap();
        if path.exists() {
            trainer.resume(path).unwrap();
        }
        trainer.run(&images, None, &mut [&mut StopAt(stop)]).unwrap();
        if stop == u64::MAX {
            assert_eq!(trainer.state().step, 12);
            let scale = trainer.state().scale.unwrap();
            assert!(scale.skipped > 0 && scale.skipped < 10, "{scale:?}");
            // The averages are in the checkpoint.
            let averaged = trainer.averaged(|| net.state()).unwrap();
            let kept = StateDict::read(path).unwrap().tensors;
            assert_eq!(kept["ema.fc.weight"], averaged.tensors["fc.weight"]);
            assert_ne!(kept["model.fc.weight"], averaged.tensors["fc.weight"]);
            return (net.state(), averaged);
        }
    }
    unreachable!()
}

#[test]
fn everything_goes_on_from_a_checkpoint_to_the_same_bits() {
    let (context, folder) = (Context::new().unwrap(), tempfile::tempdir().unwrap());
    let whole = in_parts(&context, &[], &folder.path().join("whole.safetensors"));
    for (at, stops) in [&[1][..], &[2, 3], &[4], &[5, 7, 10], &[8]].into_iter().enumerate() {
        let parts = in_parts(&context, stops, &folder.path().join(format!("{at}.safetensors")));
        assert!(parts == whole, "stopped at {stops:?}");
    }
}

#[test]
fn averages_are_what_is_evaluated() {
    let context = Context::new().unwrap();
    let images = Images { size: 8, samples: 24 };
    let task = Classification::default();
    let run = |ema: Option<EmaOptions>, clip: Option<Clip>| {
        let net = Net::new(&context, 3, true, 3);
        let options = Options { epochs: 2, ema, clip, ..Options::default() };
        let schedule = Schedule::Constant { lr: 0.05 };
        let mut trainer = Trainer::new(&net, &net.store, &task, sgd(&net.store), schedule, options).unwrap();
        trainer.run(&images, Some(&images), &mut []).unwrap();
        let own = net.state();
        let averaged = trainer.averaged(|| net.state()).unwrap();
        assert!(own == net.state(), "the network has its own weights again");
        (own, averaged, trainer.records().last().unwrap().test.clone().unwrap().loss)
    };
    let (plain, _, loss) = run(None, None);
    let (own, averaged, averaged_loss) = run(Some(EmaOptions::decay(0.5)), None);
    assert!(plain == own && own != averaged && loss != averaged_loss);
    // A mean that keeps nothing is the network itself.
    let (own, averaged, last) = run(Some(EmaOptions::decay(0.0)), None);
    assert!(own.tensors["fc.weight"] == averaged.tensors["fc.weight"] && last == loss);
    // Gradients of norm 0 leave momentum and weight decay.
    let (clipped, ..) = run(None, Some(Clip::norm(0.0)));
    let first = Net::new(&context, 3, true, 3).state();
    assert!(difference(&clipped, &plain) > 1e-2 && clipped.tensors["fc.bias"] != plain.tensors["fc.bias"]);
    let (HostTensor::F32(after, _), HostTensor::F32(before, _)) =
        (&clipped.tensors["conv.weight"], &first.tensors["conv.weight"])
    else {
        panic!();
    };
    assert!(
        after.iter().zip(before).all(|(after, before)| after.abs() <= before.abs() && after * before >= 0.0)
    );
}

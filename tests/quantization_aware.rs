//! Training that sees the roundings of bytes: what is trained is what is converted, and it answers better than what is only
//! converted where steps are scarce.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;
#[path = "quantization_aware/networks.rs"]
mod networks;

use common::{close, context, random};
use tilewright::{
    Context, DType, Layer, Module, ParameterStore, Pass, Tensor, Values, Var,
    graph::{
        self, Compiled, Graph, Options, Session,
        quantize::{Activations, Calibration, Scheme},
    },
    nn::{
        self, Error, HostTensor, INPUT, OUTPUT, StateDict,
        layers::{BatchNorm2d, Conv2d, Conv2dOptions, Linear},
        optim::{Adam, Optimizer, Sgd},
        quantization::{QuantizationAware, QuantizationOptions, Ranges},
    },
    ops::{self, AdaptiveAvgPool2d, CrossEntropy, Op, Pool2d, UnaryOp},
};

const CLASSES: usize = 4;
const BATCH: usize = 16;
const IMAGE: [usize; 4] = [BATCH, 2, 8, 8];

/// Batch normalisations with a relu and with a residual, a maximum of windows, a mean, a gelu that stays in f32, a linear layer.
struct Network {
    stem: Conv2d,
    bn1: BatchNorm2d,
    conv: Conv2d,
    bn2: BatchNorm2d,
    point: Conv2d,
    fc: Linear,
}

impl Network {
    fn new(store: &ParameterStore) -> Self {
        let root = store.root();
        let three = Conv2dOptions::default().padding(1);
        Self {
            stem: Conv2d::new(&(&root / "stem"), 2, 8, [3, 3], three.no_bias()).unwrap(),
            bn1: BatchNorm2d::new(&(&root / "bn1"), 8).unwrap(),
            conv: Conv2d::new(&(&root / "conv"), 8, 8, [3, 3], three).unwrap(),
            bn2: BatchNorm2d::new(&(&root / "bn2"), 8).unwrap(),
            point: Conv2d::new(&(&root / "point"), 8, 12, [1, 1], Conv2dOptions::default()).unwrap(),
            fc: Linear::new(&(&root / "fc"), 12, CLASSES).unwrap(),
        }
    }
}

impl Layer for Network {
    fn forward(&self, x: &Var, pass: &Pass) -> nn::Result<Var> {
        let x = self.bn1.forward_relu(&self.stem.forward(x, pass)?, pass)?;
        let x = x.max_pool2d(&Pool2d::new([2, 2]))?;
        let y = self.bn2.forward(&self.conv.forward(&x, pass)?, pass)?.add(&x)?.relu()?;
        let y = self.point.forward(&y, pass)?.unary(UnaryOp::Gelu)?;
        let y = y.adaptive_avg_pool2d(AdaptiveAvgPool2d { output: [1, 1] })?.flatten(1)?;
        self.fc.forward(&y, pass)
    }
}

/// Images of a class are its picture and noise.
fn batch(context: &Context, seed: u64, images: usize) -> (Tensor, Tensor, Vec<i32>) {
    let size: usize = IMAGE[1..].iter().product();
    let pictures = random(77, CLASSES * size, -1.0, 1.0);
    let noise = random(1000 + seed, images * size, -1.4, 1.4);
    let labels: Vec<i32> = (0..images).map(|at| ((at as u64 + seed) % CLASSES as u64) as i32).collect();
    let pixel = |at: usize| noise[at] + 0.5 * pictures[labels[at / size] as usize * size + at % size];
    let values: Vec<f32> = (0..images * size).map(pixel).collect();
    let x = Tensor::from_slice(context, &values, &[images, IMAGE[1], IMAGE[2], IMAGE[3]]).unwrap();
    (x, Tensor::from_slice(context, &labels, &[images]).unwrap(), labels)
}

/// Steps of Adam, and the mean loss of the last five. A scale that is learnt goes by its gradient: Adam's steps are as long for what is
/// small.
fn train(module: &dyn Module, store: &ParameterStore, steps: u64, lr: f32) -> f32 {
    let (scales, others) = store.parameters().into_iter().partition(|p| p.path() == "activation_scales");
    let mut optimizer = Adam::new(others, ops::Adam::default()).unwrap();
    let mut slow = Sgd::new(scales, ops::Sgd::default()).unwrap();
    let mut losses = Vec::new();
    for at in 0..steps {
        let (x, labels, _) = batch(store.context(), at, BATCH);
        let logits = module.forward(&Var::constant(x), &Pass::train(3, at)).unwrap();
        let loss = logits.cross_entropy(&labels, None, &CrossEntropy::default()).unwrap();
        losses.push(loss.tensor().item().unwrap());
        let mut gradients = loss.backward().unwrap();
        slow.step(&mut gradients, lr).unwrap();
        optimizer.step(&mut gradients, lr).unwrap();
    }
    losses.iter().rev().take(5).sum::<f32>() / 5.0
}

/// A network in f32 that has learnt something.
fn trained(context: &Context, steps: u64) -> (Network, ParameterStore, Graph) {
    let store = ParameterStore::new(context, 4);
    let network = Network::new(&store);
    train(&network, &store, steps, 0.01);
    let graph = nn::capture(&network, &store, &[(INPUT, &IMAGE, DType::F32)]).unwrap();
    (network, store, graph)
}

fn calibrated(graph: &Graph, scheme: Scheme, size: f32) -> Calibration {
    let mut calibration = Calibration::new(graph, scheme).unwrap();
    for seed in 0..4 {
        let (x, ..) = batch(graph.context(), 500 + seed, BATCH);
        calibration.observe(&[&x.scale(size).unwrap()]).unwrap();
    }
    calibration
}

fn aware(calibration: &Calibration, ranges: Ranges) -> (QuantizationAware, ParameterStore) {
    let store = ParameterStore::new(&context(), 0);
    let aware = QuantizationAware::new(calibration, &store, QuantizationOptions { ranges }).unwrap();
    (aware, store)
}

fn numbers(state: &StateDict, path: &str) -> Vec<f32> {
    match &state.tensors[path] {
        HostTensor::F32(numbers, _) => numbers.clone(),
        other => panic!("{path}: {other:?}"),
    }
}

const AVERAGES: Ranges = Ranges::MovingAverage { weight: 0.1 };

fn answers(module: &dyn Module, x: &Tensor) -> Vec<f32> {
    let y = module.forward(&Var::constant(x.clone()), &Pass::eval()).unwrap();
    y.tensor().to_vec().unwrap()
}

fn right(answers: &[f32], labels: &[i32]) -> usize {
    let best = |row: &[f32]| (0..CLASSES).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap() as i32;
    answers.chunks(CLASSES).zip(labels).filter(|(row, label)| best(row) == **label).count()
}

/// Right answers of a graph on many batches.
fn score(graph: &Graph) -> usize {
    let mut session: Session = Compiled::new(graph, &Options::default()).unwrap().session().unwrap();
    (0..12)
        .map(|at| {
            let (x, _, labels) = batch(graph.context(), 9000 + at, BATCH);
            right(&session.run(&[&x]).unwrap()[0].to_vec::<f32>().unwrap(), &labels)
        })
        .sum()
}

#[test]
fn without_roundings_it_is_the_network() {
    let context = context();
    let (network, store, graph) = trained(&context, 8);
    let calibration = calibrated(&graph, Scheme::default(), 1.0);
    let (aware, own) = aware(&calibration, AVERAGES);
    aware.set_rounding(false);
    // The same paths, and the ranges.
    let names = |store: &ParameterStore| {
        let mut names: Vec<_> = store.entries().iter().map(|entry| entry.path().to_owned()).collect();
        names.sort();
        names
    };
    let mut expected = names(&store);
    expected.push("activation_ranges".to_owned());
    expected.sort();
    assert_eq!(names(&own), expected);
    let (x, labels, _) = batch(&context, 40, BATCH);
    close(&answers(&aware, &x), &answers(&network, &x), 1e-4, 1e-4).unwrap();
    // In training, by the batch's statistics: outputs, gradients, and what the statistics become.
    let step = |module: &dyn Module, store: &ParameterStore| {
        let y = module.forward(&Var::constant(x.clone()), &Pass::train(0, 0)).unwrap();
        let loss = y.cross_entropy(&labels, None, &CrossEntropy::default()).unwrap();
        let gradients = loss.backward().unwrap();
        let of = |path: &str| {
            let parameter = store.parameter(path).unwrap();
            let variable = gradients.get_id(parameter.id()).unwrap();
            variable.to_vec::<f32>().unwrap()
        };
        let paths =
            ["stem.weight", "bn1.weight", "bn1.bias", "conv.weight", "bn2.weight", "point.bias", "fc.weight"];
        (y.tensor().to_vec::<f32>().unwrap(), paths.map(of))
    };
    let ((y, found), (expected_y, expected)) = (step(&aware, &own), step(&network, &store));
    close(&y, &expected_y, 1e-4, 1e-4).unwrap();
    for (found, expected) in found.iter().zip(&expected) {
        close(found, expected, 1e-3, 1e-4).unwrap();
    }
    let states = [StateDict::of(&own).unwrap(), StateDict::of(&store).unwrap()];
    for path in ["bn1.running_mean", "bn1.running_var", "bn2.running_mean", "bn2.running_var"] {
        let [found, expected] = states.each_ref().map(|state| numbers(state, path));
        close(&found, &expected, 1e-4, 1e-5).unwrap();
    }
    // Folded with what they are now.
    aware.freeze_statistics();
    close(&answers(&aware, &x), &answers(&network, &x), 1e-4, 1e-4).unwrap();
    let graph = Compiled::new(&aware.graph().unwrap(), &Options::default()).unwrap();
    close(&graph.run(&[&x]).unwrap()[0].to_vec::<f32>().unwrap(), &answers(&network, &x), 1e-4, 1e-4)
        .unwrap();
}

/// The outputs of the network in training differ from those of the integer graph by no more than a step, and those that do are few.
#[test]
fn the_integer_graph_is_what_was_trained() {
    let context = context();
    let (_, _, graph) = trained(&context, 8);
    for activations in [Activations::Affine, Activations::Symmetric] {
        for ranges in [AVERAGES, Ranges::Learned] {
            let scheme = Scheme { activations, ..Scheme::default() };
            let (aware, store) = aware(&calibrated(&graph, scheme, 1.0), ranges);
            train(&aware, &store, 6, 0.005);
            aware.freeze_statistics();
            train(&aware, &store, 3, 0.002);
            let (bytes, layers) = aware.convert().unwrap();
            assert_eq!(layers.products(), [4, 4], "{layers:?}");
            let step = layers.layers.last().unwrap().scale.unwrap();
            let compiled = Compiled::new(&bytes, &Options::default()).unwrap();
            let (mut differ, mut count) = (0, 0);
            for seed in 0..6 {
                let (x, ..) = batch(&context, 3000 + seed, BATCH);
                let found = compiled.run(&[&x]).unwrap()[0].to_vec::<f32>().unwrap();
                for (a, b) in found.iter().zip(answers(&aware, &x)) {
                    let steps = (a - b).abs() / step;
                    assert!(steps < 1.01, "{activations:?} {ranges:?}: {a} and {b}, {steps} steps");
                    differ += usize::from(steps > 0.01);
                    count += 1;
                }
            }
            assert!(differ * 100 <= count, "{activations:?} {ranges:?}: {differ} of {count} differ");
        }
    }
}

/// Ranges forty times too wide leave three bits: training finds the right ones, and weights to go with them. Scales that are learnt are
/// on their way after so few steps.
#[test]
fn training_mends_bad_ranges() {
    let context = context();
    let (_, _, graph) = trained(&context, 30);
    let plain = score(&graph);
    let bad = calibrated(&graph, Scheme::default(), 40.0);
    let after = score(&bad.convert().unwrap().0);
    for ranges in [Ranges::MovingAverage { weight: 0.2 }, Ranges::Learned] {
        let (aware, store) = aware(&bad, ranges);
        let first = train(&aware, &store, 5, 0.003);
        let last = train(&aware, &store, 25, 0.003);
        aware.freeze_statistics();
        train(&aware, &store, 5, 0.001);
        let found = score(&aware.convert().unwrap().0);
        println!(
            "{ranges:?}: f32 {plain}, converted {after}, trained {found} of {}; {first} {last}",
            12 * BATCH
        );
        assert!(last < first, "{ranges:?}: the loss goes from {first} to {last}");
        assert!(
            found > after + 10 && (ranges == Ranges::Learned || found + 6 >= plain),
            "{ranges:?}: {plain}, {after}, {found}"
        );
    }
}

#[test]
fn frozen_statistics_stay() {
    let context = context();
    let (_, _, graph) = trained(&context, 4);
    let (aware, store) = aware(&calibrated(&graph, Scheme::default(), 1.0), AVERAGES);
    let kept = |state: &StateDict| {
        let mut kept = Vec::new();
        for path in ["activation_ranges", "bn1.running_mean", "bn2.running_var"] {
            kept.push(numbers(state, path));
        }
        kept
    };
    let begin = StateDict::of(&store).unwrap();
    train(&aware, &store, 2, 0.01);
    let moved = StateDict::of(&store).unwrap();
    for (before, after) in kept(&begin).iter().zip(kept(&moved)) {
        assert_ne!(*before, after);
    }
    assert!(!aware.are_statistics_frozen());
    aware.freeze_statistics();
    train(&aware, &store, 3, 0.01);
    let end = StateDict::of(&store).unwrap();
    assert_eq!(kept(&end), kept(&moved));
    assert_ne!(numbers(&end, "stem.weight"), numbers(&moved, "stem.weight"));
    assert_ne!(numbers(&end, "bn1.weight"), numbers(&moved, "bn1.weight"));
    aware.unfreeze_statistics();
    train(&aware, &store, 1, 0.01);
    assert_ne!(kept(&StateDict::of(&store).unwrap()), kept(&end));
    // Neither does evaluation move them, nor a run on symbolic tensors.
    let before = kept(&StateDict::of(&store).unwrap());
    let (x, ..) = batch(&context, 1, BATCH);
    answers(&aware, &x);
    let whole = nn::capture(&aware, &store, &[(INPUT, &IMAGE, DType::F32)]).unwrap();
    assert_eq!(kept(&StateDict::of(&store).unwrap()), before);
    let fake = whole.nodes().iter().filter(|node| matches!(node.op, Op::FakeQuantize(_))).count();
    assert!(fake >= 6, "{whole:?}");
}

/// All that a run leaves is in its state dict: ranges and statistics, too.
#[test]
fn a_state_dict_brings_a_run_back() {
    let context = context();
    let (_, _, graph) = trained(&context, 4);
    let calibration = calibrated(&graph, Scheme::default(), 1.0);
    let (x, ..) = batch(&context, 2, BATCH);
    for ranges in [AVERAGES, Ranges::Learned] {
        let (first, store) = aware(&calibration, ranges);
        train(&first, &store, 3, 0.01);
        let (second, other) = aware(&calibration, ranges);
        assert_ne!(answers(&second, &x), answers(&first, &x));
        StateDict::of(&store).unwrap().load_into(&other, "a run").unwrap();
        assert_eq!(answers(&second, &x), answers(&first, &x), "{ranges:?}");
        assert_eq!(second.convert().unwrap().1, first.convert().unwrap().1, "{ranges:?}");
        train(&first, &store, 2, 0.01);
        train(&second, &other, 2, 0.01);
        let states = [&store, &other].map(|store| StateDict::of(store).unwrap());
        let kept = |state: &StateDict| numbers(state, "activation_ranges");
        assert_eq!(kept(&states[0]), kept(&states[1]), "{ranges:?}");
    }
}

/// The batch need not be the one that was captured.
#[test]
fn another_batch() {
    let context = context();
    let (_, _, graph) = trained(&context, 4);
    let (aware, _) = aware(&calibrated(&graph, Scheme::default(), 1.0), AVERAGES);
    let (x, ..) = batch(&context, 2, BATCH);
    let whole = answers(&aware, &x);
    let part = x.slice(&[
        ops::SliceRange::new(0, 5),
        ops::SliceRange::full(2),
        ops::SliceRange::full(8),
        ops::SliceRange::full(8),
    ]);
    close(&answers(&aware, &part.unwrap()), &whole[..5 * CLASSES], 1e-5, 1e-5).unwrap();
}

#[test]
fn what_cannot_be_is_a_typed_error() {
    let context = context();
    let (_, _, graph) = trained(&context, 1);
    let store = ParameterStore::new(&context, 0);
    let empty = Calibration::new(&graph, Scheme::default()).unwrap();
    let error = QuantizationAware::new(&empty, &store, QuantizationOptions::default()).unwrap_err();
    assert!(
        matches!(&error, Error::Graph(graph::Error::Calibration { what }) if what.contains("observe")),
        "{error}"
    );
    let calibration = calibrated(&graph, Scheme::default(), 1.0);
    let options = QuantizationOptions { ranges: Ranges::MovingAverage { weight: 1.5 } };
    let error = QuantizationAware::new(&calibration, &store, options).unwrap_err();
    assert!(matches!(error, Error::Option { option: "weight", .. }), "{error}");
    let (aware, own) = aware(&calibration, AVERAGES);
    let error = QuantizationAware::new(&calibration, &own, QuantizationOptions::default()).unwrap_err();
    assert!(matches!(error, Error::DuplicatePath { .. }), "{error}");
    // A NaN comes out, and no range follows from it.
    let x = Tensor::full(&context, f32::NAN, &IMAGE).unwrap();
    let module: &dyn Module = &aware;
    let y = module.forward(&Var::constant(x), &Pass::train(0, 0)).unwrap();
    assert!(y.tensor().to_vec::<f32>().unwrap().iter().all(|y| y.is_nan()));
    let error = aware.convert().unwrap_err();
    let named = |what: &str| what.contains(INPUT) && what.contains("NaN");
    assert!(matches!(&error, Error::Graph(graph::Error::Calibration { what }) if named(what)), "{error}");
    let error = aware.call(&Values::new(), &Pass::eval()).unwrap_err();
    assert!(matches!(error, Error::Ports { .. }), "{error}");
    assert_eq!(Module::outputs(&aware)[0].name, OUTPUT);
}

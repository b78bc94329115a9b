//! A network in f32 becomes one in bytes: calibration on samples, conversion, and what stays in f32.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{context, contexts_for_numbers, random};
use tilewright::{
    Context, Conv2dCall, DType, MatMulCall, Tensor,
    graph::{
        Compiled, Error, Graph, Options, capture,
        quantize::{Activations, Calibration, Layers, Observer, Parameters, Product, Scheme},
    },
    ops::{AdaptiveAvgPool2d, BatchNorm, Conv2d, MatMul, Pool2d, SliceRange, UnaryOp},
    tensor::Epilogue,
};

const INPUT: [usize; 4] = [4, 3, 16, 16];

fn tensor(context: &Context, seed: u64, shape: &[usize], size: f32) -> Tensor {
    let values = random(seed, shape.iter().product(), -size, size);
    Tensor::from_slice(context, &values, shape).unwrap()
}

/// Every form: a convolution with few channels, a pooling, a residual, one filter to a channel, a mean, a linear layer; and a
/// gelu, which is a table, and a difference, which has none.
fn network(context: &Context) -> Graph {
    seeded(context, 0, INPUT[0])
}

/// The same with other weights and another number of samples.
fn seeded(context: &Context, seed: u64, samples: usize) -> Graph {
    let tensor = |context: &Context, at: u64, shape: &[usize], size| tensor(context, at + seed, shape, size);
    let same = Conv2d { padding: [1, 1], ..Conv2d::default() };
    let first = (tensor(context, 1, &[8, 3, 3, 3], 0.4), tensor(context, 2, &[8], 0.2));
    let second = (tensor(context, 3, &[8, 8, 3, 3], 0.2), tensor(context, 4, &[8], 0.2));
    let depthwise = tensor(context, 5, &[8, 1, 3, 3], 0.5);
    let point = tensor(context, 6, &[20, 8, 1, 1], 0.5);
    let third = tensor(context, 9, &[1, 20, 1, 1], 0.3);
    let linear = (tensor(context, 7, &[10, 20], 0.5), tensor(context, 8, &[10], 0.3));
    let shape = [&[samples], &INPUT[1..]].concat();
    capture(context, &[("x", &shape, DType::F32)], |inputs| {
        let conv = |x: &Tensor, w: &Tensor, bias: Option<&Tensor>, op: Conv2d, relu: Option<UnaryOp>| {
            let epilogue = Epilogue { bias, residual: None, activation: relu };
            x.conv2d_with(w, &Conv2dCall::new(op).with_epilogue(epilogue))
        };
        let x = conv(&inputs[0], &first.0, Some(&first.1), same, Some(UnaryOp::Relu))?;
        let x = x.max_pool2d_values(&Pool2d::new([2, 2]))?;
        let y = conv(&x, &second.0, Some(&second.1), same, None)?.add(&x)?.relu()?;
        let y = conv(&y, &depthwise, None, Conv2d { groups: 8, ..same }, Some(UnaryOp::Relu6))?;
        let y = conv(&y, &point, None, Conv2d::default(), None)?.unary(UnaryOp::Gelu)?;
        let y = y
            .sub(&third)?
            .adaptive_avg_pool2d(AdaptiveAvgPool2d { output: [1, 1] })?
            .reshape(&[samples as isize, 20])?;
        let op = MatMul { transpose_right: true, ..MatMul::default() };
        let epilogue = Epilogue { bias: Some(&linear.1), ..Epilogue::default() };
        let y = y.matmul_with(&linear.0, &MatMulCall::new(op).with_epilogue(epilogue))?;
        Ok::<_, tilewright::tensor::Error>(vec![("logits".to_owned(), y)])
    })
    .unwrap()
}

/// Ten times the logarithm of the signal's power by the error's.
fn decibels(signal: &[f32], found: &[f32]) -> f64 {
    let power = |values: &mut dyn Iterator<Item = f64>| values.map(|value| value * value).sum::<f64>();
    let signal_power = power(&mut signal.iter().map(|&value| f64::from(value)));
    let error = power(&mut signal.iter().zip(found).map(|(a, b)| f64::from(a - b)));
    10.0 * (signal_power / error.max(1e-30)).log10()
}

fn run(graph: &Graph, x: &Tensor) -> Vec<f32> {
    Compiled::new(graph, &Options::default()).unwrap().run(&[x]).unwrap()[0].to_vec().unwrap()
}

fn converted(context: &Context, scheme: Scheme) -> (Graph, Layers) {
    let mut calibration = Calibration::new(&network(context), scheme).unwrap();
    for seed in 0..4 {
        let outputs = calibration.observe(&[&tensor(context, 100 + seed, &INPUT, 1.0)]).unwrap();
        assert_eq!(outputs.len(), 1, "what is observed is no output");
    }
    assert_eq!(calibration.batches(), 4);
    calibration.convert().unwrap()
}

#[test]
fn every_observer_gives_a_network_that_answers_alike() {
    for context in contexts_for_numbers() {
        let x = tensor(&context, 200, &INPUT, 1.0);
        let plain = run(&network(&context), &x);
        for observer in Observer::ALL {
            for activations in [Activations::Affine, Activations::Symmetric] {
                let (graph, layers) =
                    converted(&context, Scheme { observer, activations, ..Scheme::default() });
                let found = decibels(&plain, &run(&graph, &x));
                assert!(found > 22.0, "{observer:?} {activations:?}: {found} dB");
                assert_eq!(layers.products(), [5, 5], "{layers:?}");
            }
        }
    }
}

#[test]
fn what_stays_in_f32_is_said() {
    let context = context();
    let (graph, layers) = converted(&context, Scheme::default());
    let find = |op: &str| layers.layers.iter().find(|layer| layer.op == op).unwrap();
    let (gelu, difference) = (find("gelu"), find("sub"));
    assert!(!difference.int8 && difference.why == Some("it has no form in bytes"), "{difference:?}");
    assert!(gelu.int8 && gelu.scale.is_some(), "{gelu:?}");
    let pool = layers.layers.iter().find(|layer| layer.op == "max_pool2d").unwrap();
    assert!(pool.int8 && pool.scale.is_some());
    let [before, after] = layers.weight_bytes();
    assert!(before > 3 * after, "{before} {after}");
    let names: Vec<_> = graph.nodes().iter().map(|node| node.op.name()).collect();
    for (name, count) in
        [("qconv2d", 5), ("quantize", 2), ("dequantize", 2), ("qmax_pool2d", 1), ("qlookup", 1), ("sub", 1)]
    {
        assert_eq!(names.iter().filter(|found| **found == name).count(), count, "{name} in {names:?}");
    }
    let calibration = Calibration::new(&network(&context), Scheme::default()).unwrap();
    let product = |layer: &&tilewright::graph::quantize::Layer| layer.op == "conv2d";
    let kept = layers.layers.iter().filter(product).nth(1).unwrap().node.clone();
    assert!(calibration.layers().contains(&kept.as_str()));
    let keep = [kept.clone()].into();
    let (_, layers) = converted(&context, Scheme { keep, ..Scheme::default() });
    let layer = layers.layers.iter().find(|layer| layer.node == kept).unwrap();
    assert!(!layer.int8 && layer.why == Some("it is to stay in f32"), "{layer:?}");
    assert_eq!(layers.products(), [4, 5]);
}

#[test]
fn bad_samples_are_errors_and_count_for_nothing() {
    let context = context();
    let mut calibration = Calibration::new(&network(&context), Scheme::default()).unwrap();
    let error = calibration.convert().unwrap_err();
    assert!(matches!(error, Error::Calibration { .. }) && error.to_string().contains("observe"), "{error}");
    let mut values = random(1, INPUT.iter().product(), -1.0, 1.0);
    values[77] = f32::NAN;
    let x = Tensor::from_slice(&context, &values, &INPUT).unwrap();
    let error = calibration.observe(&[&x]).unwrap_err().to_string();
    assert!(error.contains("the input holds NaN"), "{error}");
    assert_eq!(calibration.batches(), 0);
    // One number everywhere, and 0: any scale is right.
    for value in [0.0, 0.7] {
        let mut calibration = Calibration::new(&network(&context), Scheme::default()).unwrap();
        let x = Tensor::full(&context, value, &INPUT).unwrap();
        calibration.observe(&[&x]).unwrap();
        let found = run(&calibration.convert().unwrap().0, &x);
        assert!(decibels(&run(&network(&context), &x), &found) > 20.0, "{value}: {found:?}");
    }
}

#[test]
fn its_numbers_make_the_network_again() {
    for context in contexts_for_numbers() {
        // One convolution stays in f32, as the gelu does.
        let (_, layers) = converted(&context, Scheme::default());
        let kept = layers.layers.iter().filter(|layer| layer.op == "conv2d").nth(1).unwrap().node.clone();
        let scheme = Scheme { keep: [kept].into(), ..Scheme::default() };
        let mut calibration = Calibration::new(&network(&context), scheme).unwrap();
        let x = tensor(&context, 100, &INPUT, 1.0);
        calibration.observe(&[&x]).unwrap();
        let (graph, layers) = calibration.convert().unwrap();
        let parameters = calibration.parameters().unwrap();
        // Other weights, which do not matter.
        let (again, same) = parameters.apply(&seeded(&context, 1000, INPUT[0])).unwrap();
        assert_eq!(layers.products(), same.products());
        assert_eq!(layers, same);
        let expected = run(&graph, &x);
        assert_eq!(run(&again, &x), expected);
        assert_ne!(run(&network(&context), &x), expected);
        // And one sample.
        let one = x
            .slice(&[SliceRange::new(1, 2), SliceRange::full(3), SliceRange::full(16), SliceRange::full(16)])
            .unwrap();
        let (single, _) = parameters.apply(&seeded(&context, 1000, 1)).unwrap();
        assert_eq!(run(&single, &one), expected[10..20]);
        // Of another network.
        let mut other = parameters.clone();
        let (name, product) = other.products.pop_first().unwrap();
        let refused = |parameters: &Parameters, says: &str| {
            let error = parameters.apply(&network(&context)).unwrap_err().to_string();
            assert!(error.contains("calibration") && error.contains(says), "{error}");
        };
        refused(&other, &name);
        other.products.insert(name.clone(), Product { shape: vec![1, 2, 3, 3], ..product.clone() });
        refused(&other, "another network");
        other.products.insert(
            name.clone(),
            Product { scales: vec![f32::NAN; product.scales.len()], ..product.clone() },
        );
        refused(&other, "scale of NaN");
        other.products.insert(name, product);
        other.activations.pop_first();
        refused(&other, "no scale");
    }
}

/// The layers of the network that can be bytes alone, each by itself, and what staying in f32 does for the worst.
#[test]
fn the_most_sensitive_layers_are_found_and_kept() {
    let context = context();
    let graph = network(&context);
    let x = tensor(&context, 200, &INPUT, 1.0);
    let mut calibration = Calibration::new(&graph, Scheme::default()).unwrap();
    assert!(calibration.sensitivity(&[&x]).unwrap_err().to_string().contains("observe"));
    for seed in 0..4 {
        calibration.observe(&[&tensor(&context, 100 + seed, &INPUT, 1.0)]).unwrap();
    }
    let found = calibration.sensitivity(&[&x]).unwrap();
    assert_eq!(found.len(), 5);
    assert!(found.windows(2).all(|pair| pair[0].decibels <= pair[1].decibels), "{found:?}");
    let real = run(&graph, &x);
    let all = decibels(&real, &run(&calibration.convert().unwrap().0, &x));
    // One layer alone is wrong by hardly more than all together, whose errors may cancel in part.
    assert!(found.iter().all(|layer| layer.decibels > all - 3.0), "{found:?} {all}");
    assert!(found.iter().skip(1).all(|layer| layer.decibels > all), "{found:?} {all}");
    calibration.keep([found[0].node.clone()]);
    let (kept, layers) = calibration.convert().unwrap();
    assert_eq!(layers.products(), [4, 5]);
    assert!(decibels(&real, &run(&kept, &x)) > all);
}

#[test]
fn numbers_are_counted_for_pictures() {
    let context = context();
    let observed = |count: bool| {
        let mut calibration = Calibration::new(&network(&context), Scheme::default()).unwrap();
        if count {
            calibration.count();
        }
        calibration.observe(&[&tensor(&context, 100, &INPUT, 1.0)]).unwrap();
        calibration.distributions()
    };
    assert!(observed(false).unwrap_err().to_string().contains("`count`"));
    let found = observed(true).unwrap();
    assert_eq!(found.len(), 5);
    for layer in &found {
        let (low, high) = layer.output.range;
        let last = layer.output.low + layer.output.width * layer.output.counts.len() as f32;
        let [step, bin] = [(high - low) / 255.0, layer.output.width];
        assert!(low <= layer.output.low + step + bin && high >= last - step - bin, "{layer:?}");
        assert!(layer.weight.narrowest.unwrap().1 <= layer.weight.range.1, "{}", layer.node);
    }
    let weights: Vec<u64> = found.iter().map(|layer| layer.weight.counts.iter().sum()).collect();
    assert_eq!(weights, [8 * 27, 8 * 72, 8 * 9, 160, 200]);
    assert_eq!(found[0].output.counts.iter().sum::<u64>(), 4 * 8 * 256);
}

/// A batch normalisation behind no convolution is a filter of 1 × 1 to a channel, its ReLU a limit; parts of a split are bytes.
#[test]
fn normalisations_and_splits_have_forms() {
    let context = context();
    let x = tensor(&context, 300, &INPUT, 2.0);
    let statistics: Vec<Tensor> = [(1, 0.5, 1.5), (2, -0.5, 0.5), (3, -1.0, 1.0), (4, 0.3, 2.0)]
        .map(|(seed, low, high)| Tensor::from_slice(&context, &random(seed, 3, low, high), &[3]).unwrap())
        .into();
    let weight = tensor(&context, 5, &[4, 3, 1, 1], 0.7);
    let graph = capture(&context, &[("x", &INPUT, DType::F32)], |inputs| {
        let [gamma, beta, mean, var] = &statistics[..] else { unreachable!() };
        let y = inputs[0].batch_norm_eval(gamma, beta, mean, var, &BatchNorm::default())?.relu()?;
        let y = y.conv2d(&weight, None, &Conv2d::default())?;
        let parts = y.split(1, &[1, 3])?;
        let y = Tensor::concat(&[&parts[1], &parts[0]], 1)?;
        Ok::<_, tilewright::tensor::Error>(vec![("y".to_owned(), y)])
    })
    .unwrap();
    let mut calibration = Calibration::new(&graph, Scheme::default()).unwrap();
    calibration.observe(&[&x]).unwrap();
    let (bytes, layers) = calibration.convert().unwrap();
    assert!(layers.layers.iter().all(|layer| layer.int8), "{layers:?}");
    let names: Vec<_> = bytes.nodes().iter().map(|node| node.op.name()).collect();
    assert_eq!(names, ["quantize", "qconv2d", "qconv2d", "split", "concat", "dequantize"]);
    assert!(decibels(&run(&graph, &x), &run(&bytes, &x)) > 35.0);
}

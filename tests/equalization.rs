//! Equal channels, weights of one scale, and corrected biases: what they change, and that nothing else does.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{context, contexts_for_numbers, random};
use tilewright::{
    Context, Conv2dCall, DType, Tensor,
    graph::{
        Compiled, Graph, Options, capture,
        quantize::{Calibration, Equalization, Layers, Scheme, Weights},
    },
    ops::{AdaptiveAvgPool2d, Conv2d, Pool2d, UnaryOp},
    tensor::Epilogue,
};

const INPUT: [usize; 4] = [4, 3, 16, 16];
const CHANNELS: usize = 12;

/// Factors of channels: from one to some hundred.
fn factor(channel: usize) -> f32 {
    2f32.powi((channel * 5 % 9) as i32)
}

/// Blocks as in MobileNet: a convolution of one tap, one filter to a channel, a convolution of one tap; then a linear layer.
/// `scaled` multiplies channel i between two layers by a factor in the one and divides by it in the next, which changes nothing.
fn separable(context: &Context, scaled: bool, activation: UnaryOp) -> Graph {
    let mut seed = 0;
    let mut layer = |outputs: usize, inputs: usize, kernel: usize, first: bool, last: bool| {
        seed += 2;
        let each = inputs * kernel * kernel;
        let mut weight = random(seed, outputs * each, -1.0, 1.0);
        let mut bias = random(seed + 1, outputs, -0.2, 0.2);
        let of = |channel: usize| if scaled { factor(channel) } else { 1.0 };
        for output in 0..outputs {
            for input in 0..inputs {
                let by = if last { 1.0 } else { of(output) };
                // One filter to a channel reads the channel that it writes.
                let before = if inputs == 1 { output } else { input };
                let by = if first { by } else { by / of(before) };
                for tap in 0..kernel * kernel {
                    weight[output * each + input * kernel * kernel + tap] *= by / (each as f32).sqrt();
                }
            }
            bias[output] *= if last { 1.0 } else { of(output) };
        }
        let weight = Tensor::from_slice(context, &weight, &[outputs, inputs, kernel, kernel]).unwrap();
        (weight, Tensor::from_slice(context, &bias, &[outputs]).unwrap())
    };
    let layers = [
        layer(CHANNELS, 3, 1, true, false),
        layer(CHANNELS, 1, 3, false, false),
        layer(CHANNELS, CHANNELS, 1, false, false),
        layer(CHANNELS, 1, 3, false, false),
        layer(10, CHANNELS, 1, false, true),
    ];
    capture(context, &[("x", &INPUT, DType::F32)], |inputs| {
        let conv = |x: &Tensor, at: usize, op: Conv2d, activation: Option<UnaryOp>| {
            let epilogue = Epilogue { bias: Some(&layers[at].1), residual: None, activation };
            x.conv2d_with(&layers[at].0, &Conv2dCall::new(op).with_epilogue(epilogue))
        };
        let depthwise = Conv2d { padding: [1, 1], groups: CHANNELS, ..Conv2d::default() };
        let x = conv(&inputs[0], 0, Conv2d::default(), Some(activation))?;
        let x = conv(&x, 1, depthwise, Some(activation))?.max_pool2d_values(&Pool2d::new([2, 2]))?;
        let x = conv(&x, 2, Conv2d::default(), None)?;
        let x = conv(&x, 3, depthwise, Some(activation))?;
        let x =
            x.adaptive_avg_pool2d(AdaptiveAvgPool2d { output: [1, 1] })?.reshape(&[4, CHANNELS as isize])?;
        let y = x.linear(&layers[4].0.reshape(&[10, CHANNELS as isize])?, Some(&layers[4].1))?;
        Ok::<_, tilewright::tensor::Error>(vec![("logits".to_owned(), y)])
    })
    .unwrap()
}

/// Samples whose mean is not 0.
fn samples(context: &Context, seed: u64) -> Tensor {
    let values = random(seed, INPUT.iter().product(), -0.5, 1.5);
    Tensor::from_slice(context, &values, &INPUT).unwrap()
}

/// Ten times the logarithm of the signal's power by the error's.
fn decibels(signal: &[f32], found: &[f32]) -> f64 {
    let power = |values: &mut dyn Iterator<Item = f32>| values.map(|x| f64::from(x).powi(2)).sum::<f64>();
    let error = power(&mut signal.iter().zip(found).map(|(a, b)| a - b));
    10.0 * (power(&mut signal.iter().copied()) / error.max(1e-30)).log10()
}

fn run(graph: &Graph, x: &Tensor) -> Vec<f32> {
    Compiled::new(graph, &Options::default()).unwrap().run(&[x]).unwrap()[0].to_vec().unwrap()
}

fn calibrated(context: &Context, graph: &Graph, scheme: Scheme) -> Calibration {
    let mut calibration = Calibration::new(graph, scheme).unwrap();
    for seed in 0..4 {
        calibration.observe(&[&samples(context, 100 + seed)]).unwrap();
    }
    calibration
}

/// The logits of a network in bytes, and those in f32.
fn logits(context: &Context, graph: &Graph, scheme: Scheme) -> ([Vec<f32>; 2], Layers) {
    let (bytes, layers) = calibrated(context, graph, scheme).convert().unwrap();
    assert_eq!(layers.products(), [5, 5]);
    let x = samples(context, 200);
    ([run(&bytes, &x), run(graph, &x)], layers)
}

#[test]
fn equal_channels_change_nothing_in_f32() {
    for context in contexts_for_numbers() {
        for scaled in [false, true] {
            let graph = separable(&context, scaled, UnaryOp::Relu);
            let scheme = Scheme { equalize: Equalization::Exact, ..Scheme::default() };
            let mut calibration = Calibration::new(&graph, scheme).unwrap();
            // Across the pooling, the convolution without activation, and the mean, too.
            assert_eq!(calibration.equalized(), 4);
            let x = samples(&context, 7);
            let found = calibration.observe(&[&x]).unwrap()[0].to_vec().unwrap();
            let found = decibels(&run(&graph, &x), &found);
            assert!(found > 110.0, "{found}");
        }
    }
}

/// The largest channel takes the range, and the least ones are a step or two: with equal channels it is as if none had been
/// scaled.
#[test]
fn equal_channels_keep_small_ones() {
    let context = context();
    for weights in [Weights::PerChannel, Weights::PerTensor] {
        let found = [(false, Equalization::Off), (true, Equalization::Off), (true, Equalization::Exact)];
        let [plain, scaled, equal] = found.map(|(scaled, equalize)| {
            let graph = separable(&context, scaled, UnaryOp::Relu);
            let ([bytes, real], _) =
                logits(&context, &graph, Scheme { weights, equalize, ..Scheme::default() });
            decibels(&real, &bytes)
        });
        assert!(equal > scaled + 10.0 && equal > plain - 3.0, "{weights:?}: {plain} {scaled} {equal}");
    }
}

#[test]
fn a_relu6_stays_unless_it_may_go() {
    let context = context();
    let graph = separable(&context, false, UnaryOp::Relu6);
    for (equalize, pairs) in
        [(Equalization::Off, 0), (Equalization::Exact, 1), (Equalization::Relu6AsRelu, 4)]
    {
        let calibration = Calibration::new(&graph, Scheme { equalize, ..Scheme::default() }).unwrap();
        assert_eq!(calibration.equalized(), pairs, "{equalize:?}");
    }
    // Nothing here goes beyond 6, so that a ReLU does the same.
    let scheme = Scheme { equalize: Equalization::Relu6AsRelu, ..Scheme::default() };
    let x = samples(&context, 7);
    let found = Calibration::new(&graph, scheme).unwrap().observe(&[&x]).unwrap()[0].to_vec().unwrap();
    assert!(decibels(&run(&graph, &x), &found) > 110.0);
}

/// Steps as wide as those of one scale for a layer are wrong by much in some channels, and of numbers whose mean is not 0 always
/// to the same side.
#[test]
fn corrected_biases_have_the_mean_of_f32() {
    let context = context();
    let graph = separable(&context, true, UnaryOp::Relu);
    let off = |correct_bias: bool| {
        let scheme = Scheme { weights: Weights::PerTensor, correct_bias, ..Scheme::default() };
        let ([bytes, real], layers) = logits(&context, &graph, scheme);
        let errors = bytes.iter().zip(&real).map(|(a, b)| a - b);
        let means: Vec<f32> =
            (0..10).map(|class| errors.clone().skip(class).step_by(10).sum::<f32>() / 4.0).collect();
        (means.iter().map(|mean| mean.abs()).sum::<f32>(), decibels(&real, &bytes), layers.weight_bytes())
    };
    let (plain, corrected) = (off(false), off(true));
    assert!(corrected.0 < 0.7 * plain.0 && corrected.1 > plain.1 + 2.0, "{plain:?} {corrected:?}");
    // The layers have biases already.
    assert_eq!(plain.2, corrected.2);
}

//! Layers that networks of the zoo are made of, against their formulas in f64.

use tilewright::{
    ParameterStore, Pass, Tensor, Var,
    nn::{
        Layer,
        layers::{
            Conv2dOptions, Dropout2d, GroupNorm, LayerNorm, LayerNorm2d, SqueezeExcitation, StochasticDepth,
        },
    },
    ops::UnaryOp,
};

use crate::common::{
    close,
    computed::{fill, uniform},
    context,
};

const SHAPE: [usize; 4] = [2, 6, 3, 5];
const COUNT: usize = 180;

fn input() -> (Var, Vec<f32>) {
    let values = uniform("x", COUNT, -1.0, 2.0);
    (Var::constant(Tensor::from_slice(&context(), &values, &SHAPE).unwrap()), values)
}

/// `(x − mean) / √(variance + eps)`, where `group` says with which others an element is normalised.
fn standardized(x: &[f32], group: impl Fn(usize) -> usize, eps: f64) -> Vec<f64> {
    let moments = |of: usize| {
        let line: Vec<_> = (0..x.len()).filter(|&at| group(at) == of).map(|at| f64::from(x[at])).collect();
        let mean = line.iter().sum::<f64>() / line.len() as f64;
        (mean, line.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / line.len() as f64)
    };
    let each = |at: usize| {
        let (mean, variance) = moments(group(at));
        (f64::from(x[at]) - mean) / (variance + eps).sqrt()
    };
    (0..x.len()).map(each).collect()
}

/// Weights and biases of a layer, drawn by their paths.
fn draw(store: &ParameterStore) {
    fill(store, |path, shape| uniform(path, shape.iter().product(), -1.0, 1.0));
}

fn check(y: &Var, expected: impl Iterator<Item = f64>) {
    let expected: Vec<_> = expected.map(|y| y as f32).collect();
    close(&y.tensor().to_vec().unwrap(), &expected, 1e-5, 2e-6).unwrap();
}

#[test]
fn normalisations_over_channels_groups_and_last_axes() {
    let (x, values) = input();
    let (plane, channels) = (15, 6);
    let channel = |at: usize| at / plane % channels;
    let affine = |name: &str, count| {
        (
            uniform(&format!("{name}.weight"), count, -1.0, 1.0),
            uniform(&format!("{name}.bias"), count, -1.0, 1.0),
        )
    };

    let store = ParameterStore::new(&context(), 0);
    let layer = LayerNorm2d::new(&(store.root() / "pixels"), channels, 1e-3).unwrap();
    draw(&store);
    let (weight, bias) = affine("pixels", channels);
    let plain = standardized(&values, |at| at / plane / channels * plane + at % plane, 1e-3);
    let expected = plain.iter().enumerate();
    let expected = expected.map(|(at, y)| y * f64::from(weight[channel(at)]) + f64::from(bias[channel(at)]));
    check(&layer.forward(&x, &Pass::eval()).unwrap(), expected);

    let store = ParameterStore::new(&context(), 0);
    let layer = GroupNorm::new(&(store.root() / "groups"), 3, channels, 1e-3).unwrap();
    draw(&store);
    let (weight, bias) = affine("groups", channels);
    let plain = standardized(&values, |at| at / (2 * plane), 1e-3);
    let expected = plain.iter().enumerate();
    let expected = expected.map(|(at, y)| y * f64::from(weight[channel(at)]) + f64::from(bias[channel(at)]));
    check(&layer.forward(&x, &Pass::eval()).unwrap(), expected);
    assert!(GroupNorm::new(&(store.root() / "wrong"), 4, channels, 1e-3).is_err());

    let store = ParameterStore::new(&context(), 0);
    let layer = LayerNorm::new(&(store.root() / "last"), &[3, 5], 1e-3).unwrap();
    draw(&store);
    let (weight, bias) = affine("last", plane);
    let plain = standardized(&values, |at| at / plane, 1e-3);
    let expected = plain.iter().enumerate();
    let expected = expected.map(|(at, y)| y * f64::from(weight[at % plane]) + f64::from(bias[at % plane]));
    check(&layer.forward(&x, &Pass::eval()).unwrap(), expected);
    assert!(LayerNorm::new(&(store.root() / "none"), &[], 1e-3).is_err());
}

#[test]
fn channels_are_gated_by_their_means() {
    let (x, values) = input();
    let store = ParameterStore::new(&context(), 0);
    let (scope, options) = (store.root() / "se", Conv2dOptions::default());
    let layer = SqueezeExcitation::new(&scope, 6, 2, UnaryOp::Relu, UnaryOp::Sigmoid, options).unwrap();
    draw(&store);
    let number =
        |name: &str, count| uniform(name, count, -1.0, 1.0).into_iter().map(f64::from).collect::<Vec<_>>();
    let (w1, b1) = (number("se.fc1.weight", 12), number("se.fc1.bias", 2));
    let (w2, b2) = (number("se.fc2.weight", 12), number("se.fc2.bias", 6));
    let mean =
        |line: usize| values[15 * line..15 * (line + 1)].iter().map(|&x| f64::from(x)).sum::<f64>() / 15.0;
    let gate = |image: usize, channel: usize| {
        let inner = |unit: usize| {
            let sum: f64 = (0..6).map(|from| w1[6 * unit + from] * mean(6 * image + from)).sum();
            (sum + b1[unit]).max(0.0)
        };
        let sum: f64 = (0..2).map(|unit| w2[2 * channel + unit] * inner(unit)).sum();
        1.0 / (1.0 + (-(sum + b2[channel])).exp())
    };
    let expected = (0..COUNT).map(|at| f64::from(values[at]) * gate(at / 90, at / 15 % 6));
    check(&layer.forward(&x, &Pass::eval()).unwrap(), expected);
}

/// What is dropped is dropped as a whole, the rest is scaled, and the choice depends on seed and step alone.
#[test]
fn channels_and_branches_are_dropped_as_a_whole() {
    let shape = [64, 8, 1, 3];
    let ones = Var::constant(Tensor::ones(&context(), &shape).unwrap());
    let answer =
        |layer: &dyn Layer, pass: Pass| layer.forward(&ones, &pass).unwrap().tensor().to_vec().unwrap();
    let (channels, branches) = (Dropout2d::new(0.25).unwrap(), StochasticDepth::new(0.25).unwrap());
    for (layer, together) in [(&channels as &dyn Layer, 3), (&branches as &dyn Layer, 24)] {
        let y: Vec<f32> = answer(layer, Pass::train(5, 1));
        let kept = y.chunks(together).filter(|line| {
            assert!(line.iter().all(|y| y == &line[0]), "{line:?}");
            assert!(line[0] == 0.0 || (line[0] - 4.0 / 3.0).abs() < 1e-6, "{line:?}");
            line[0] > 0.0
        });
        let (kept, lines) = (kept.count() as f64, (y.len() / together) as f64);
        // Four deviations of a binomial.
        assert!((kept / lines - 0.75).abs() < 4.0 * (0.1875 / lines).sqrt(), "{kept} of {lines}");
        assert_eq!(y, answer(layer, Pass::train(5, 1)), "not the same numbers again");
        assert_ne!(y, answer(layer, Pass::train(5, 2)), "the same numbers at another step");
        assert!(answer(layer, Pass::eval()).iter().all(|&y| y == 1.0));
    }
    assert!(StochasticDepth::new(1.5).is_err() && Dropout2d::new(-0.1).is_err());
    let never = StochasticDepth::new(0.0).unwrap();
    assert!(answer(&never, Pass::train(0, 0)).iter().all(|&y| y == 1.0));
}

//! Batch normalisation against the scalar reference.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{
    Cases, close, contexts,
    host::{channels_last, numbers},
    random,
};
use tilewright::{
    BatchNormCall, Context, DType, Tensor,
    ops::{BatchNorm, UnaryOp},
    shaders::{Specialisation, emit, fragments},
    tensor::BatchNormTrain,
};
use tilewright_reference::normalization as reference;

const NORM: BatchNorm = BatchNorm { eps: 1e-3, momentum: 0.3 };

/// Ranks from two to five, and channels of every remainder by four; a row of a kernel is whole pixels and vec4s, so that odd
/// pixel counts cut the last row short; on a CPU a thread takes up to four vec4s of it. The last two have partial statistics enough to be merged in several passes.
const SHAPES: [&[usize]; 20] = [
    &[2, 1],
    &[7, 3],
    &[33, 16],
    &[5, 6],
    &[64, 10],
    &[3, 5, 7],
    &[2, 4, 9],
    &[1, 6, 33],
    &[2, 3, 5, 7],
    &[4, 16, 9, 9],
    &[1, 1, 2, 1],
    &[2, 10, 13, 11],
    &[8, 64, 7, 7],
    &[3, 96, 3, 5],
    &[70, 128],
    &[3, 24, 5, 7],
    &[3, 130, 4, 5],
    &[2, 3, 2, 3, 4],
    &[4, 16, 96, 96],
    &[2, 3, 127, 161],
];

/// Operands whose every channel differs: weight, bias, running mean and running variance.
struct PerChannel {
    values: [Vec<f32>; 4],
    tensors: [Tensor; 4],
}

impl PerChannel {
    fn new(context: &Context, channels: usize) -> Self {
        let values = [
            random(11, channels, -2.0, 2.0),
            random(12, channels, -1.0, 1.0),
            random(13, channels, -0.5, 0.5),
            random(14, channels, 0.2, 3.0),
        ];
        let tensors = [0, 1, 2, 3].map(|i| Tensor::from_slice(context, &values[i], &[channels]).unwrap());
        Self { values, tensors }
    }
}

/// Numbers whose mean and deviation differ from channel to channel.
fn input(shape: &[usize]) -> Vec<f32> {
    let inner: usize = shape[2..].iter().product();
    let count = shape.iter().product();
    let (means, spreads) = (random(21, shape[1], -2.0, 2.0), random(22, shape[1], 0.1, 3.0));
    let channel = |i: usize| i / inner.max(1) % shape[1];
    random(23, count, -1.0, 1.0)
        .into_iter()
        .enumerate()
        .map(|(i, v)| means[channel(i)] + spreads[channel(i)] * v)
        .collect()
}

/// As a user may hold it: in either layout where there are two.
fn layouts(context: &Context, values: &[f32], shape: &[usize]) -> Vec<Tensor> {
    let x = Tensor::from_slice(context, values, shape).unwrap();
    if shape.len() == 4 { vec![x, channels_last(context, values, shape)] } else { vec![x] }
}

/// What the gradient reads of a training step.
fn statistics(of: &BatchNormTrain) -> [&Tensor; 3] {
    [&of.mean, &of.rest, &of.inv_std]
}

fn vec(tensor: &Tensor) -> Vec<f32> {
    numbers(tensor)
}

#[test]
fn training_and_its_gradients() {
    let mut cases = Cases::new();
    for context in contexts() {
        for shape in SHAPES {
            let values = input(shape);
            let own = PerChannel::new(&context, shape[1]);
            let [weight, bias, mean, var] = &own.tensors;
            let [w, b, m, v] = &own.values;
            let expected = reference::batch_norm_train(&NORM, &values, shape, w, b, m, v);
            let inv_std: Vec<f32> = expected
                .variance
                .iter()
                .map(|&v| (1.0 / (f64::from(v) + f64::from(NORM.eps)).sqrt()) as f32)
                .collect();
            let grads = random(31, values.len(), -1.0, 1.0);
            let gradients = reference::batch_norm_train_backward(&NORM, &values, shape, w, &grads);
            let long = ((values.len() / shape[1]) as f64).sqrt();
            for x in layouts(&context, &values, shape) {
                let result = x.batch_norm_train(weight, bias, mean, var, &NORM).unwrap();
                assert_eq!(result.y.shape(), shape);
                for (what, actual, expected, absolute) in [
                    ("y", &result.y, &expected.output, 1e-5),
                    ("mean", &result.mean, &expected.mean, 1e-6),
                    ("inv_std", &result.inv_std, &inv_std, 0.0),
                    ("running_mean", &result.running_mean, &expected.running_mean, 1e-6),
                    ("running_var", &result.running_var, &expected.running_variance, 0.0),
                ] {
                    let name = format!("{what} {x:?} {context:?}");
                    cases.check(name, close(&vec(actual), expected, 1e-5, absolute));
                }
                for grad_y in layouts(&context, &grads, shape) {
                    let (grad_x, grad_weight, grad_bias) =
                        x.batch_norm_train_backward(weight, statistics(&result), None, &grad_y).unwrap();
                    assert_eq!(grad_x.shape(), shape);
                    for (what, actual, expected, absolute) in [
                        ("grad_x", &grad_x, &gradients.x, 1e-5),
                        ("grad_weight", &grad_weight, &gradients.weight, 1e-5 * long),
                        ("grad_bias", &grad_bias, &gradients.bias, 1e-6 * long),
                    ] {
                        let name = format!("{what} {x:?} {grad_y:?} {context:?}");
                        cases.check(name, close(&vec(actual), expected, 1e-4, absolute));
                    }
                }
            }
            for (tensor, values) in own.tensors.iter().zip(&own.values) {
                assert_eq!(&vec(tensor), values, "an operand was written to");
            }
        }
    }
    cases.finish();
}

#[test]
fn evaluation_and_its_gradients() {
    let mut cases = Cases::new();
    let empty: [&[usize]; 3] = [&[0, 3], &[0, 4, 5, 5], &[2, 0, 3, 3]];
    for context in contexts() {
        for shape in SHAPES.into_iter().chain(empty).chain([&[1, 5][..], &[1, 8, 1, 1]]) {
            let values = input(shape);
            let own = PerChannel::new(&context, shape[1]);
            let [weight, bias, mean, var] = &own.tensors;
            let [w, b, m, v] = &own.values;
            let expected = reference::batch_norm_eval(&NORM, &values, shape, w, b, m, v);
            let grads = random(31, values.len(), -1.0, 1.0);
            let gradients = reference::batch_norm_eval_backward(&NORM, &values, shape, w, m, v, &grads);
            let long = ((values.len() / shape[1].max(1)) as f64).sqrt();
            for x in layouts(&context, &values, shape) {
                let y = x.batch_norm_eval(weight, bias, mean, var, &NORM).unwrap();
                assert_eq!(y.shape(), shape);
                cases.check(format!("y {x:?} {context:?}"), close(&vec(&y), &expected, 1e-5, 1e-5));
                for grad_y in layouts(&context, &grads, shape) {
                    let (grad_x, grad_weight, grad_bias) =
                        x.batch_norm_eval_backward(weight, mean, var, &NORM, None, &grad_y).unwrap();
                    assert_eq!(grad_x.shape(), shape);
                    for (what, actual, expected, absolute) in [
                        ("grad_x", &grad_x, &gradients.x, 1e-6),
                        ("grad_weight", &grad_weight, &gradients.weight, 2e-5 * long),
                        ("grad_bias", &grad_bias, &gradients.bias, 1e-6 * long),
                    ] {
                        let name = format!("{what} {x:?} {grad_y:?} {context:?}");
                        cases.check(name, close(&vec(actual), expected, 1e-4, absolute));
                    }
                }
            }
        }
    }
    cases.finish();
}

/// E[x²] − E[x]² would lose every digit of these variances: the mean is 10,000 deviations away.
/// The digits that f32 has of x are those of the result, however far from 0 it lies: against sums in f64 over the same x.
#[test]
fn a_large_mean_does_not_cancel() {
    let mut cases = Cases::new();
    for context in contexts() {
        let shapes = [[2, 16, 33, 31], [2, 3, 65, 33], [3, 1, 41, 5]];
        for (shape, base) in shapes.into_iter().flat_map(|shape| [1e3, 4e4, -1e6].map(|base| (shape, base))) {
            let count = shape.iter().product();
            let spread = if base == 1e3 { 0.17 } else { 1.7 };
            let values: Vec<f32> = random(41, count, -spread, spread).iter().map(|v| base + v).collect();
            let own = PerChannel::new(&context, shape[1]);
            let [weight, bias, mean, var] = &own.tensors;
            let [w, b, m, v] = &own.values;
            let norm = BatchNorm { eps: 0.0, momentum: 1.0 };
            let expected = reference::batch_norm_train(&norm, &values, &shape, w, b, m, v);
            let x = Tensor::from_slice(&context, &values, &shape).unwrap();
            let found = x.batch_norm_train(weight, bias, mean, var, &norm).unwrap();
            let name = format!("{shape:?} {base} {context:?}");
            cases.check(&name, close(&vec(&found.mean), &expected.mean, 1e-7, 0.0));
            cases.check(&name, close(&vec(&found.running_var), &expected.running_variance, 1e-5, 0.0));
            cases.check(&name, close(&vec(&found.y), &expected.output, 1e-5, 1e-5));
            let grads = random(42, count, -1.0, 1.0);
            let grad_y = Tensor::from_slice(&context, &grads, &shape).unwrap();
            let expected = reference::batch_norm_train_backward(&norm, &values, &shape, w, &grads);
            let (grad_x, grad_weight, _) =
                x.batch_norm_train_backward(weight, statistics(&found), None, &grad_y).unwrap();
            let long = ((count / shape[1]) as f64).sqrt();
            cases.check(&name, close(&vec(&grad_x), &expected.x, 1e-4, 1e-5));
            cases.check(&name, close(&vec(&grad_weight), &expected.weight, 1e-4, 1e-5 * long));
            // The operand of the activation is computed anew, to the same side of 0.
            let fused = (UnaryOp::Relu, bias);
            let (_, _, once) =
                x.batch_norm_train_backward(weight, statistics(&found), Some(fused), &grad_y).unwrap();
            let passed =
                found.y.unary_backward(UnaryOp::Relu, &grad_y).unwrap().sum(&[0, 2, 3], false).unwrap();
            cases.check(&name, close(&vec(&once), &vec(&passed), 1e-5, 1e-6 * long));
        }
    }
    cases.finish();
}

/// Chunks and pixels of a row that hold nothing of a channel.
#[test]
fn statistics_of_few_values() {
    let mut cases = Cases::new();
    for context in contexts() {
        for shape in [[2, 5, 1, 1], [3, 1, 1, 1], [1, 3, 1, 67], [1, 6, 11, 1]] {
            let count = shape.iter().product();
            let values: Vec<f32> = random(43, count, -1.0, 1.0).iter().map(|v| 5e5 + v).collect();
            let own = PerChannel::new(&context, shape[1]);
            let [weight, bias, mean, var] = &own.tensors;
            let [w, b, m, v] = &own.values;
            let expected = reference::batch_norm_train(&NORM, &values, &shape, w, b, m, v);
            let x = Tensor::from_slice(&context, &values, &shape).unwrap();
            let found = x.batch_norm_train(weight, bias, mean, var, &NORM).unwrap();
            let name = format!("{shape:?} {context:?}");
            cases.check(&name, close(&vec(&found.y), &expected.output, 1e-5, 1e-5));
            cases.check(&name, close(&vec(&found.running_var), &expected.running_variance, 1e-5, 1e-6));
        }
    }
    cases.finish();
}

#[test]
fn a_fused_activation_is_the_activation_of_the_result() {
    let mut cases = Cases::new();
    for context in contexts() {
        for shape in [&[2, 6, 5, 5][..], &[9, 8]] {
            let x = Tensor::from_slice(&context, &input(shape), shape).unwrap();
            let own = PerChannel::new(&context, shape[1]);
            let [weight, bias, mean, var] = &own.tensors;
            for op in [UnaryOp::Relu, UnaryOp::Silu, UnaryOp::LeakyRelu { slope: 0.2 }] {
                let name = format!("{} {shape:?} {context:?}", op.name());
                let plain = x.batch_norm_train(weight, bias, mean, var, &NORM).unwrap().y.unary(op).unwrap();
                let fused = x
                    .batch_norm_train(
                        weight,
                        bias,
                        mean,
                        var,
                        BatchNormCall { op: NORM, activation: Some(op) },
                    )
                    .unwrap()
                    .y;
                cases.check(format!("train {name}"), close(&vec(&fused), &vec(&plain), 1e-6, 1e-7));
                let plain = x.batch_norm_eval(weight, bias, mean, var, &NORM).unwrap().unary(op).unwrap();
                let fused = x
                    .batch_norm_eval(
                        weight,
                        bias,
                        mean,
                        var,
                        BatchNormCall { op: NORM, activation: Some(op) },
                    )
                    .unwrap();
                cases.check(format!("eval {name}"), close(&vec(&fused), &vec(&plain), 1e-6, 1e-7));
            }
        }
    }
    cases.finish();
}

#[test]
fn gradients_of_a_fused_activation_are_those_of_two_steps() {
    let mut cases = Cases::new();
    for context in contexts() {
        for shape in [&[2, 6, 5, 5][..], &[9, 8], &[3, 3, 7, 5], &[4, 16, 20, 20]] {
            let x = Tensor::from_slice(&context, &input(shape), shape).unwrap();
            let grads = random(31, x.count(), -1.0, 1.0);
            let grad_z = Tensor::from_slice(&context, &grads, shape).unwrap();
            let own = PerChannel::new(&context, shape[1]);
            let [weight, bias, mean, var] = &own.tensors;
            for op in [UnaryOp::Relu, UnaryOp::Silu, UnaryOp::LeakyRelu { slope: 0.2 }] {
                let train = x.batch_norm_train(weight, bias, mean, var, &NORM).unwrap();
                let grad_y = train.y.unary_backward(op, &grad_z).unwrap();
                let of = statistics(&train);
                let plain = x.batch_norm_train_backward(weight, of, None, &grad_y).unwrap();
                let fused = Some((op, bias));
                let once = x.batch_norm_train_backward(weight, of, fused, &grad_z).unwrap();
                let y = x.batch_norm_eval(weight, bias, mean, var, &NORM).unwrap();
                let grad_y = y.unary_backward(op, &grad_z).unwrap();
                let plain_eval = x.batch_norm_eval_backward(weight, mean, var, &NORM, None, &grad_y).unwrap();
                let once_eval = x.batch_norm_eval_backward(weight, mean, var, &NORM, fused, &grad_z).unwrap();
                for (which, once, plain) in [("train", once, plain), ("eval", once_eval, plain_eval)] {
                    for (what, once, plain) in
                        [("x", &once.0, &plain.0), ("weight", &once.1, &plain.1), ("bias", &once.2, &plain.2)]
                    {
                        let name = format!("{which} grad_{what} {} {shape:?} {context:?}", op.name());
                        let plain = vec(plain);
                        let largest = plain.iter().fold(0f32, |most, v| most.max(v.abs()));
                        cases.check(name, close(&vec(once), &plain, 1e-6, 1e-6 * f64::from(largest)));
                    }
                }
            }
        }
    }
    cases.finish();
}

#[test]
fn results_repeat_bit_by_bit() {
    for context in contexts() {
        let shape = [4, 16, 64, 64];
        let x = Tensor::from_slice(&context, &input(&shape), &shape).unwrap();
        let own = PerChannel::new(&context, 16);
        let [weight, bias, mean, var] = &own.tensors;
        let run = || {
            let result = x.batch_norm_train(weight, bias, mean, var, &NORM).unwrap();
            let (grad_x, grad_weight, _) =
                x.batch_norm_train_backward(weight, statistics(&result), None, &result.y).unwrap();
            [vec(&result.inv_std), vec(&result.y), vec(&grad_x), vec(&grad_weight)]
        };
        assert_eq!(run(), run());
    }
}

#[test]
fn wrong_operands_are_typed_errors() {
    let context = common::own_context();
    let zeros = |shape: &[usize]| Tensor::zeros(&context, shape).unwrap();
    let (x, c, wrong) = (zeros(&[2, 3, 4, 4]), zeros(&[3]), zeros(&[4]));
    let says = |outcome: tilewright::tensor::Result<Tensor>, words: &[&str]| {
        let message = outcome.unwrap_err().to_string();
        for word in words {
            assert!(message.contains(word), "{message}");
        }
    };
    let train = |x: &Tensor, weight: &Tensor, bias: &Tensor, mean: &Tensor, var: &Tensor| {
        x.batch_norm_train(weight, bias, mean, var, &NORM).map(|result| result.y)
    };
    says(train(&x, &wrong, &c, &c, &c), &["batch_norm", "weight", "[4]", "[3]"]);
    says(train(&x, &c, &wrong, &c, &c), &["bias"]);
    says(train(&x, &c, &c, &wrong, &c), &["running_mean"]);
    says(train(&x, &c, &c, &c, &wrong), &["running_var"]);
    says(train(&zeros(&[1, 3, 1, 1]), &c, &c, &c, &c), &["[1, 3, 1, 1]"]);
    says(train(&zeros(&[0, 3]), &c, &c, &c, &c), &["[0, 3]"]);
    says(train(&c, &c, &c, &c, &c), &["[3]", "N C"]);
    says(train(&x.cast(DType::I32).unwrap(), &c, &c, &c, &c), &["x", "i32"]);
    says(train(&x, &c.cast(DType::I32).unwrap(), &c, &c, &c), &["weight", "i32"]);
    let other = tilewright::Context::new().unwrap();
    says(train(&x, &Tensor::zeros(&other, &[3]).unwrap(), &c, &c, &c), &["different contexts"]);
    says(x.batch_norm_eval(&c, &c, &c, &wrong, &NORM), &["running_var"]);
    let bad = Some(UnaryOp::Clamp { min: 1.0, max: 0.0 });
    says(x.batch_norm_eval(&c, &c, &c, &c, BatchNormCall { op: NORM, activation: bad }), &["clamp"]);
    says(x.batch_norm_train_backward(&c, [&wrong, &c, &c], None, &x).map(|g| g.0), &["mean"]);
    let fused = Some((UnaryOp::Relu, &wrong));
    says(x.batch_norm_train_backward(&c, [&c; 3], fused, &x).map(|g| g.0), &["bias", "[4]"]);
    says(x.batch_norm_train_backward(&c, [&c; 3], None, &c).map(|g| g.0), &["grad_y", "[2, 3, 4, 4]"]);
    says(x.batch_norm_eval_backward(&c, &c, &wrong, &NORM, None, &x).map(|g| g.0), &["running_var"]);
}

#[test]
fn every_specialisation_is_valid_on_every_backend() {
    let mut cases = Cases::new();
    let mut kernels: Vec<_> = ["batch_norm_merge", "batch_norm_finish"].map(Specialisation::new).into();
    for variance in [false, true] {
        for stem in ["batch_norm_normalise", "batch_norm_backward_reduce", "batch_norm_backward_finish"] {
            kernels.push(Specialisation::new(stem).with_bool("FROM_VARIANCE", variance));
        }
        kernels.push(Specialisation::new("batch_norm_backward_apply").with_bool("TRAIN", !variance));
    }
    for stem in ["batch_norm_backward_reduce", "batch_norm_backward_apply"] {
        let fused = |name| Specialisation::new(stem).with_fragment("unary_derivative", name);
        let slopes = fragments().iter().filter(|f| f.family == "unary_derivative");
        kernels.extend(slopes.map(|f| fused(f.stem)));
    }
    let fused = |name| Specialisation::new("batch_norm_normalise").with_fragment("unary", name);
    kernels.extend(fragments().iter().filter(|f| f.family == "unary").map(|f| fused(f.stem)));
    for kernel in kernels {
        cases.check(&kernel, emit(kernel.stem(), &kernel.wgsl().unwrap()).map(drop));
    }
    cases.finish();
}

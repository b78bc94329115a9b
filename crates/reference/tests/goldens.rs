//! The reference against PyTorch: every case of every golden file. A test runs all cases of its family and reports each
//! one that fails.

#![allow(clippy::unwrap_used, missing_docs)]

use tilewright_ops as ops;
use tilewright_ops::{BinaryOp, PoolKind, ReduceOp, Reduction, SliceRange, UnaryOp};
use tilewright_reference::compare::{Mismatch, compare};
use tilewright_reference::golden::{self, Case};
use tilewright_reference::{
    convolution, elementwise, loss, matmul, movement, normalization, optimizer, pooling, reduction, softmax,
};

// The reference rounds once, so that one tolerance serves forward and backward: a few units in the last place, and an
// absolute part for elements that cancel.
const RTOL: f64 = 1e-5;
const ATOL: f64 = 1e-6;

/// What a case's function found: comparisons by role.
#[derive(Default)]
struct Checks(Vec<String>);

impl Checks {
    fn close(&mut self, case: &Case, role: &str, actual: &[f32]) {
        let (expected, _) = case.f32(role).unwrap();
        if let Err(mismatch) = compare(actual, expected, RTOL, ATOL) {
            self.0.push(format!("{}/{role}: {mismatch}", case.name));
        }
    }

    fn equal(&mut self, case: &Case, role: &str, actual: &[i32]) {
        let (expected, _) = case.i32(role).unwrap();
        if actual != expected {
            self.0.push(format!("{}/{role}: {actual:?}, expected {expected:?}", case.name));
        }
    }

    fn shape(&mut self, case: &Case, actual: &[usize]) {
        let expected = if let Ok((_, shape)) = case.f32("y") { shape } else { case.i32("y").unwrap().1 };
        if actual != expected {
            self.0.push(format!("{}: shape {actual:?}, expected {expected:?}", case.name));
        }
    }
}

/// Runs `check` on every case of a file. `least` guards against a file that lost its cases.
fn run(family: &str, least: usize, check: impl Fn(&Case, &mut Checks)) {
    let cases = golden::family(family).unwrap();
    assert!(cases.len() >= least, "{family}: {} cases, at least {least} expected", cases.len());
    let mut checks = Checks::default();
    for case in &cases {
        check(case, &mut checks);
    }
    let failures = checks.0;
    assert!(
        failures.is_empty(),
        "{} failures in {} cases:\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n")
    );
}

fn four(shape: &[usize]) -> [usize; 4] {
    shape.try_into().unwrap()
}

fn number(case: &Case, name: &str) -> f32 {
    case.number(name).unwrap() as f32
}

fn unary_op(case: &Case) -> Option<UnaryOp> {
    let plain = UnaryOp::ALL.into_iter().find(|op| op.name() == case.op)?;
    Some(match plain {
        UnaryOp::LeakyRelu { .. } => UnaryOp::LeakyRelu { slope: number(case, "slope") },
        UnaryOp::Clamp { .. } => UnaryOp::Clamp { min: number(case, "min"), max: number(case, "max") },
        UnaryOp::AddScalar { .. } => UnaryOp::AddScalar { value: number(case, "value") },
        UnaryOp::MulScalar { .. } => UnaryOp::MulScalar { value: number(case, "value") },
        UnaryOp::HardSigmoid { .. } => {
            UnaryOp::HardSigmoid { slope: number(case, "slope"), offset: number(case, "offset") }
        }
        UnaryOp::Elu { .. } => UnaryOp::Elu { alpha: number(case, "alpha") },
        UnaryOp::Selu { .. } => UnaryOp::Selu { alpha: number(case, "alpha"), gamma: number(case, "gamma") },
        UnaryOp::Celu { .. } => UnaryOp::Celu { alpha: number(case, "alpha") },
        UnaryOp::ThresholdedRelu { .. } => UnaryOp::ThresholdedRelu { threshold: number(case, "threshold") },
        UnaryOp::Shrink { .. } => {
            UnaryOp::Shrink { bias: number(case, "bias"), lambda: number(case, "lambda") }
        }
        plain => plain,
    })
}

#[test]
fn elementwise() {
    run("elementwise", 60, |case, checks| {
        if let Some(op) = unary_op(case) {
            let (x, _) = case.f32("x").unwrap();
            checks.close(case, "y", &elementwise::unary(op, x));
            checks.close(case, "grad_x", &elementwise::unary_backward(op, x, case.f32("grad_y").unwrap().0));
            return;
        }
        if case.op == "where" {
            let y_shape = case.f32("y").unwrap().1;
            // The reference wants one shape; to broadcast is to add to zeros.
            let zeros = vec![0.0; y_shape.iter().product()];
            let [condition, a, b] = ["condition", "a", "b"].map(|role| {
                let (values, shape) = case.f32(role).unwrap();
                elementwise::binary(BinaryOp::Add, values, shape, &zeros, y_shape)
            });
            checks.close(case, "y", &elementwise::where_on(&condition, &a, &b));
            return;
        }
        let op = BinaryOp::ALL.into_iter().find(|op| op.name() == case.op).unwrap();
        let ((a, a_shape), (b, b_shape)) = (case.f32("a").unwrap(), case.f32("b").unwrap());
        checks.shape(case, &op.output_shape(a_shape, b_shape).unwrap());
        checks.close(case, "y", &elementwise::binary(op, a, a_shape, b, b_shape));
        let grad_y = case.f32("grad_y").unwrap().0;
        let (grad_a, grad_b) = elementwise::binary_backward(op, a, a_shape, b, b_shape, grad_y);
        checks.close(case, "grad_a", &grad_a);
        checks.close(case, "grad_b", &grad_b);
    });
}

#[test]
fn every_elementwise_operation_has_a_case() {
    let cases = golden::family("elementwise").unwrap();
    let names = UnaryOp::ALL.iter().map(|op| op.name()).chain(BinaryOp::ALL.iter().map(|op| op.name()));
    for name in names {
        assert!(cases.iter().any(|case| case.op == name), "{name}");
    }
}

#[test]
fn matmul() {
    run("matmul", 30, |case, checks| {
        let grad_y = case.f32("grad_y").unwrap().0;
        if case.op == "linear" {
            let ((x, x_shape), (weight, weight_shape)) =
                (case.f32("x").unwrap(), case.f32("weight").unwrap());
            let bias = case.f32("bias").ok().map(|(bias, _)| bias);
            let (x_shape, weight_shape) = (x_shape.try_into().unwrap(), weight_shape.try_into().unwrap());
            checks.close(case, "y", &matmul::linear(x, x_shape, weight, weight_shape, bias));
            let (grad_x, grad_weight, grad_bias) =
                matmul::linear_backward(x, x_shape, weight, weight_shape, grad_y);
            checks.close(case, "grad_x", &grad_x);
            checks.close(case, "grad_weight", &grad_weight);
            if bias.is_some() {
                checks.close(case, "grad_bias", &grad_bias);
            }
            return;
        }
        assert_eq!(case.op, "matmul");
        let op = ops::MatMul {
            transpose_left: case.flag("transpose_left").unwrap(),
            transpose_right: case.flag("transpose_right").unwrap(),
        };
        let ((a, a_shape), (b, b_shape)) = (case.f32("left").unwrap(), case.f32("right").unwrap());
        checks.shape(case, &op.output_shape(a_shape, b_shape).unwrap());
        checks.close(case, "y", &matmul::matmul(op, a, a_shape, b, b_shape));
        let (grad_a, grad_b) = matmul::matmul_backward(op, a, a_shape, b, b_shape, grad_y);
        checks.close(case, "grad_left", &grad_a);
        checks.close(case, "grad_right", &grad_b);
    });
}

#[test]
fn convolution() {
    run("convolution", 18, |case, checks| {
        let op = ops::Conv2d {
            stride: case.pair("stride").unwrap(),
            padding: case.pair("padding").unwrap(),
            dilation: case.pair("dilation").unwrap(),
            groups: case.count("groups").unwrap(),
        };
        let (x, x_shape) = case.f32("x").unwrap();
        let x_shape = four(x_shape);
        let grad_y = case.f32("grad_y").unwrap().0;
        if case.op == "im2col" {
            let kernel = case.pair("kernel").unwrap();
            let (columns, shape) = convolution::im2col(&op, x, x_shape, kernel);
            checks.shape(case, &shape);
            checks.close(case, "y", &columns);
            checks.close(case, "grad_x", &convolution::col2im(&op, grad_y, x_shape, kernel));
            return;
        }
        if case.op == "conv_transpose2d" {
            let transposed = ops::ConvTranspose2d {
                stride: op.stride,
                padding: op.padding,
                output_padding: case.pair("output_padding").unwrap(),
                dilation: op.dilation,
                groups: op.groups,
            };
            let (weight, weight_shape) = case.f32("weight").unwrap();
            let weight_shape = four(weight_shape);
            let y_shape = transposed.output_shape(x_shape, weight_shape).unwrap();
            checks.shape(case, &y_shape);
            let mut y = convolution::conv_transpose2d(&transposed, x, x_shape, weight, weight_shape);
            if let Ok((bias, _)) = case.f32("bias") {
                let plane = y_shape[2] * y_shape[3];
                y.iter_mut().enumerate().for_each(|(at, y)| *y += bias[at / plane % bias.len()]);
            }
            checks.close(case, "y", &y);
            // The way back is the convolution.
            let grad_x = convolution::conv2d(&op, grad_y, y_shape, weight, weight_shape, None);
            checks.close(case, "grad_x", &grad_x);
            let grad_weight = convolution::conv2d_backward_weight(&op, x, grad_y, y_shape, weight_shape);
            checks.close(case, "grad_weight", &grad_weight);
            return;
        }
        assert_eq!(case.op, "conv2d");
        let (weight, weight_shape) = case.f32("weight").unwrap();
        let weight_shape = four(weight_shape);
        let bias = case.f32("bias").ok().map(|(bias, _)| bias);
        let y_shape = op.output_shape(x_shape, weight_shape).unwrap();
        checks.shape(case, &y_shape);
        checks.close(case, "y", &convolution::conv2d(&op, x, x_shape, weight, weight_shape, bias));
        let grad_x = convolution::conv2d_backward_input(&op, grad_y, x_shape, weight, weight_shape);
        checks.close(case, "grad_x", &grad_x);
        let grad_weight = convolution::conv2d_backward_weight(&op, grad_y, x, x_shape, weight_shape);
        checks.close(case, "grad_weight", &grad_weight);
        if bias.is_some() {
            checks.close(case, "grad_bias", &convolution::conv2d_backward_bias(grad_y, y_shape));
        }
    });
}

#[test]
fn pooling() {
    run("pooling", 50, |case, checks| {
        let (x, x_shape) = case.f32("x").unwrap();
        let x_shape = four(x_shape);
        let grad_y = case.f32("grad_y").unwrap().0;
        if case.op == "adaptive_avg_pool2d" {
            let pool = ops::AdaptiveAvgPool2d { output: case.pair("output").unwrap() };
            checks.shape(case, &pool.output_shape(x_shape).unwrap());
            checks.close(case, "y", &pooling::adaptive_avg_pool2d(pool, x, x_shape));
            checks.close(case, "grad_x", &pooling::adaptive_avg_pool2d_backward(pool, grad_y, x_shape));
            return;
        }
        let pool = ops::Pool2d {
            kernel: case.pair("kernel").unwrap(),
            stride: case.pair("stride").unwrap(),
            padding: case.pair("padding").unwrap(),
            dilation: case.pair("dilation").unwrap(),
            ceil_mode: case.flag("ceil_mode").unwrap(),
            count_include_pad: case.flag("count_include_pad").unwrap(),
            divisor_override: case.count("divisor_override").ok(),
        };
        checks.shape(case, &pool.output_shape(x_shape).unwrap());
        match PoolKind::ALL.into_iter().find(|kind| kind.name() == case.op).unwrap() {
            PoolKind::Max => {
                let (y, indices) = pooling::max_pool2d(&pool, x, x_shape);
                checks.close(case, "y", &y);
                checks.equal(case, "indices", &indices);
                checks.close(case, "grad_x", &pooling::max_pool2d_backward(&pool, grad_y, &indices, x_shape));
            }
            PoolKind::Average => {
                checks.close(case, "y", &pooling::avg_pool2d(&pool, x, x_shape));
                checks.close(case, "grad_x", &pooling::avg_pool2d_backward(&pool, grad_y, x_shape));
            }
            PoolKind::Sum => {
                checks.close(case, "y", &pooling::sum_pool2d(&pool, x, x_shape));
                checks.close(case, "grad_x", &pooling::sum_pool2d_backward(&pool, grad_y, x_shape));
            }
        }
    });
}

#[test]
fn normalization() {
    run("normalization", 8, |case, checks| {
        assert_eq!(case.op, "batch_norm");
        let norm = ops::BatchNorm { eps: number(case, "eps"), momentum: number(case, "momentum") };
        let (x, shape) = case.f32("x").unwrap();
        let [weight, bias, mean, variance, grad_y] =
            ["weight", "bias", "running_mean", "running_var", "grad_y"].map(|role| case.f32(role).unwrap().0);
        let gradients = if case.flag("training").unwrap() {
            let result = normalization::batch_norm_train(&norm, x, shape, weight, bias, mean, variance);
            checks.close(case, "y", &result.output);
            checks.close(case, "mean", &result.mean);
            checks.close(case, "var", &result.variance);
            checks.close(case, "new_running_mean", &result.running_mean);
            checks.close(case, "new_running_var", &result.running_variance);
            normalization::batch_norm_train_backward(&norm, x, shape, weight, grad_y)
        } else {
            let y = normalization::batch_norm_eval(&norm, x, shape, weight, bias, mean, variance);
            checks.close(case, "y", &y);
            normalization::batch_norm_eval_backward(&norm, x, shape, weight, mean, variance, grad_y)
        };
        checks.close(case, "grad_x", &gradients.x);
        checks.close(case, "grad_weight", &gradients.weight);
        checks.close(case, "grad_bias", &gradients.bias);
    });
}

#[test]
fn reduction() {
    run("reduction", 60, |case, checks| {
        let (x, shape) = case.f32("x").unwrap();
        if let Some(op) = ReduceOp::ALL.into_iter().find(|op| op.name() == case.op) {
            let axes = case.counts("axes").unwrap();
            checks.shape(case, &op.output_shape(shape, &axes, case.flag("keepdim").unwrap()).unwrap());
            checks.close(case, "y", &reduction::reduce(op, x, shape, &axes));
            let grad_y = case.f32("grad_y").unwrap().0;
            checks.close(case, "grad_x", &reduction::reduce_backward(op, x, shape, &axes, grad_y));
            return;
        }
        match case.op.as_str() {
            "argmax" => {
                let axes = case.counts("axes").unwrap();
                checks.shape(case, &ops::argmax_shape(shape, &axes, false).unwrap());
                checks.equal(case, "y", &reduction::argmax(x, shape, &axes));
            }
            "softmax" => {
                let op = ops::Softmax { axis: case.count("axis").unwrap() };
                let y = softmax::softmax(op, x, shape);
                checks.close(case, "y", &y);
                let grad_y = case.f32("grad_y").unwrap().0;
                checks.close(case, "grad_x", &softmax::softmax_backward(op, &y, shape, grad_y));
            }
            "log_softmax" => {
                let op = ops::LogSoftmax { axis: case.count("axis").unwrap() };
                let y = softmax::log_softmax(op, x, shape);
                checks.close(case, "y", &y);
                let grad_y = case.f32("grad_y").unwrap().0;
                checks.close(case, "grad_x", &softmax::log_softmax_backward(op, &y, shape, grad_y));
            }
            other => panic!("{}: no operation {other}", case.name),
        }
    });
}

#[test]
fn loss() {
    run("loss", 72, |case, checks| {
        assert_eq!(case.op, "cross_entropy");
        let reduction = case.parameters["reduction"].as_str().unwrap();
        let op = ops::CrossEntropy {
            label_smoothing: number(case, "label_smoothing"),
            ignore_index: case.number("ignore_index").ok().map(|index| index as i32),
            reduction: Reduction::ALL.into_iter().find(|kind| kind.name() == reduction).unwrap(),
        };
        let ((x, shape), (labels, label_shape)) = (case.f32("x").unwrap(), case.i32("target").unwrap());
        let weights = case.f32("weight").ok().map(|(weights, _)| weights);
        checks.shape(case, &op.output_shape(shape, label_shape).unwrap());
        checks.close(case, "y", &loss::cross_entropy(&op, x, shape, labels, weights));
        let grad_y = case.f32("grad_y").unwrap().0;
        checks.close(case, "grad_x", &loss::cross_entropy_backward(&op, x, shape, labels, weights, grad_y));
    });
}

#[test]
fn movement() {
    run("movement", 15, |case, checks| {
        let grad_y = case.f32("grad_y").unwrap().0;
        let y_shape = case.f32("y").unwrap().1;
        if case.op == "concat" {
            let axis = case.count("axis").unwrap();
            let operands: Vec<_> = (0..).map_while(|index| case.f32(&format!("x{index}")).ok()).collect();
            let shapes: Vec<_> = operands.iter().map(|&(_, shape)| shape).collect();
            checks.shape(case, &ops::concat_shape(&shapes, axis).unwrap());
            checks.close(case, "y", &movement::concat(&operands, axis));
            let mut start = 0;
            for (index, shape) in shapes.into_iter().enumerate() {
                let mut ranges: Vec<_> = y_shape.iter().map(|&extent| SliceRange::full(extent)).collect();
                ranges[axis] = SliceRange::new(start, start + shape[axis]);
                start += shape[axis];
                checks.close(case, &format!("grad_x{index}"), &movement::slice(grad_y, y_shape, &ranges));
            }
            return;
        }
        let (x, shape) = case.f32("x").unwrap();
        match case.op.as_str() {
            "permute" => {
                let axes = case.counts("axes").unwrap();
                checks.shape(case, &ops::permute_shape(shape, &axes).unwrap());
                checks.close(case, "y", &movement::permute(x, shape, &axes));
                let inverse: Vec<_> =
                    (0..axes.len()).map(|axis| axes.iter().position(|&from| from == axis).unwrap()).collect();
                checks.close(case, "grad_x", &movement::permute(grad_y, y_shape, &inverse));
            }
            "slice" => {
                let [starts, ends, steps] =
                    ["starts", "ends", "steps"].map(|name| case.counts(name).unwrap());
                let ranges: Vec<_> = (0..shape.len())
                    .map(|axis| SliceRange { start: starts[axis], end: ends[axis], step: steps[axis] })
                    .collect();
                checks.shape(case, &ops::slice_shape(shape, &ranges).unwrap());
                checks.close(case, "y", &movement::slice(x, shape, &ranges));
                checks.close(case, "grad_x", &movement::slice_backward(grad_y, shape, &ranges));
            }
            "resample" => {
                let aligned = case.parameters["align_corners"].as_bool().unwrap();
                let (interpolation, coordinates) = match case.parameters["mode"].as_str().unwrap() {
                    "nearest" => {
                        (ops::Interpolation::Nearest(ops::Rounding::Floor), ops::Coordinates::Asymmetric)
                    }
                    "bilinear" => (ops::Interpolation::Linear, ops::Coordinates::HalfPixel),
                    _ => (
                        ops::Interpolation::Cubic { a: -0.75, exclude_outside: false },
                        ops::Coordinates::HalfPixel,
                    ),
                };
                let coordinates = if aligned { ops::Coordinates::AlignCorners } else { coordinates };
                let size = case.pair("size").unwrap();
                let resize = ops::Resize2d { size, scale: None, interpolation, coordinates };
                let tables = resize.tables([shape[2], shape[3]]).unwrap();
                checks.close(case, "y", &movement::resample(x, shape, 2, &tables));
                let back = [tables[0].transposed(shape[2]), tables[1].transposed(shape[3])];
                checks.close(case, "grad_x", &movement::resample(grad_y, y_shape, 2, &back));
            }
            "pad" => {
                let (before, after) = (case.counts("before").unwrap(), case.counts("after").unwrap());
                let padding: Vec<_> = before.iter().copied().zip(after).collect();
                checks.shape(case, &ops::pad_shape(shape, &padding).unwrap());
                checks.close(case, "y", &movement::pad(x, shape, &padding, number(case, "value")));
                let inner: Vec<_> = shape
                    .iter()
                    .zip(&before)
                    .map(|(&extent, &before)| SliceRange::new(before, before + extent))
                    .collect();
                checks.close(case, "grad_x", &movement::slice(grad_y, y_shape, &inner));
            }
            "reshape" => {
                let to: Vec<_> = case.parameters["to"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|to| to.as_i64().unwrap() as isize)
                    .collect();
                checks.shape(case, &ops::reshape_shape(shape, &to).unwrap());
                checks.close(case, "y", x);
                checks.close(case, "grad_x", grad_y);
            }
            other => panic!("{}: no operation {other}", case.name),
        }
    });
}

#[test]
fn optimizer() {
    run("optimizer", 9, |case, checks| {
        let (gradients, shape) = case.f32("gradients").unwrap();
        let count = shape[1];
        let mut parameter = case.f32("parameter").unwrap().0.to_vec();
        let mut parameters = Vec::new();
        match case.op.as_str() {
            "sgd" => {
                let op = ops::Sgd {
                    lr: number(case, "lr"),
                    momentum: number(case, "momentum"),
                    dampening: number(case, "dampening"),
                    nesterov: case.flag("nesterov").unwrap(),
                    weight_decay: number(case, "weight_decay"),
                };
                let mut buffer: Option<Vec<f32>> = None;
                for gradient in gradients.chunks_exact(count) {
                    (parameter, buffer) = optimizer::sgd(&op, &parameter, gradient, buffer.as_deref());
                    parameters.extend_from_slice(&parameter);
                }
                assert_eq!(buffer.is_some(), case.has("buffer"), "{}", case.name);
                if let Some(buffer) = buffer {
                    checks.close(case, "buffer", &buffer);
                }
            }
            "adamw" => {
                let op = ops::AdamW {
                    lr: number(case, "lr"),
                    beta1: number(case, "beta1"),
                    beta2: number(case, "beta2"),
                    eps: number(case, "eps"),
                    weight_decay: number(case, "weight_decay"),
                };
                let (mut first, mut second) = (vec![0.0; count], vec![0.0; count]);
                for (index, gradient) in gradients.chunks_exact(count).enumerate() {
                    let step = optimizer::adamw(&op, index as u32 + 1, &parameter, gradient, &first, &second);
                    (parameter, first, second) = (step.parameter, step.first, step.second);
                    parameters.extend_from_slice(&parameter);
                }
                checks.close(case, "first", &first);
                checks.close(case, "second", &second);
            }
            other => panic!("{}: no operation {other}", case.name),
        }
        checks.close(case, "parameters", &parameters);
    });
}

/// If this passes, the comparisons above mean something.
#[test]
fn a_perturbed_tensor_is_noticed() {
    for family in ["convolution", "pooling", "normalization"] {
        for case in golden::family(family).unwrap() {
            let (y, _) = case.f32("y").unwrap();
            assert_eq!(compare(y, y, RTOL, ATOL), Ok(()));
            for index in [0, y.len() / 2, y.len() - 1] {
                let mut perturbed = y.to_vec();
                perturbed[index] += 1e-4 * (1.0 + perturbed[index].abs());
                match compare(&perturbed, y, RTOL, ATOL) {
                    Err(Mismatch::Elements { count: 1, index: named, .. }) => assert_eq!(named, index),
                    other => panic!("{}: {other:?}", case.name),
                }
            }
        }
    }
}

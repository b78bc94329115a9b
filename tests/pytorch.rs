//! Every operation and every gradient against PyTorch, on the device, through autograd.
//!
//! Tolerances as in torch.allclose: forward 1e-5 relative, gradients 1e-4, each with a small absolute part for elements
//! that cancel to nearly nothing. In a sum of products that part is 1e-6 of the tensor's largest element: what cancels
//! keeps the rounding of the terms, in PyTorch's own f32 as in ours.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{Cases, close, contexts};
use tilewright::{
    Context, Tensor, Var,
    ops::{self, BinaryOp, ReduceOp, Reduction, SliceRange, UnaryOp},
    tensor::ops::optimizer::{adamw_step, sgd_step},
};
use tilewright_reference::golden::{self, Case};

type Outcome = Result<Var, tilewright::autograd::Error>;

/// A case on a device, with its leaves as they are made.
struct Run<'a> {
    case: &'a Case,
    context: &'a Context,
    leaves: Vec<(String, Var)>,
}

impl Run<'_> {
    /// The tensor of that role as a leaf, whose gradient will be held against `grad_<role>`.
    fn leaf(&mut self, role: &str) -> Var {
        let leaf = Var::leaf(self.tensor(role));
        self.leaves.push((role.to_owned(), leaf.clone()));
        leaf
    }

    fn tensor(&self, role: &str) -> Tensor {
        let (values, shape) = self.case.f32(role).unwrap();
        Tensor::from_slice(self.context, values, shape).unwrap()
    }

    fn optional(&mut self, role: &str) -> Option<Var> {
        self.case.has(role).then(|| self.leaf(role))
    }

    fn number(&self, name: &str) -> f32 {
        self.case.number(name).unwrap() as f32
    }
}

/// Runs `function` on every case of a file, in both modes; `least` guards against a file that lost its cases.
fn check(family: &str, least: usize, function: impl Fn(&mut Run<'_>) -> Outcome) {
    check_where(family, least, |_| true, function);
}

/// As [`check`], for the cases that `wanted` lets through.
fn check_where(
    family: &str,
    least: usize,
    wanted: impl Fn(&Case) -> bool,
    function: impl Fn(&mut Run<'_>) -> Outcome,
) {
    let mut golden = golden::family(family).unwrap();
    golden.retain(wanted);
    assert!(golden.len() >= least, "{family}: {} cases, at least {least} expected", golden.len());
    let mut cases = Cases::new();
    for context in contexts() {
        for case in &golden {
            let mut run = Run { case, context: &context, leaves: Vec::new() };
            let outcome =
                function(&mut run).map_err(|error| error.to_string()).and_then(|y| compare(&run, &y));
            cases.check(format!("{} ({:?})", case.name, context.mode()), outcome);
        }
    }
    cases.finish();
}

fn compare(run: &Run<'_>, y: &Var) -> Result<(), String> {
    let text = |error: tilewright::tensor::Error| error.to_string();
    let (expected, shape) = run.case.f32("y").unwrap();
    if y.shape() != shape {
        return Err(format!("shape {:?}, expected {shape:?}", y.shape()));
    }
    let largest = expected.iter().fold(0.0, |largest: f64, y| largest.max(f64::from(y.abs())));
    let sums_products = ["matmul", "linear", "conv2d", "conv_transpose2d"].contains(&run.case.op.as_str());
    let absolute = if sums_products { 1e-6 * largest.max(1.0) } else { 1e-6 };
    close(&y.tensor().to_vec().map_err(text)?, expected, 1e-5, absolute)
        .map_err(|e| format!("forward: {e}"))?;
    let gradients = y.backward_with(&run.tensor("grad_y")).map_err(|error| error.to_string())?;
    for (role, leaf) in &run.leaves {
        let gradient = gradients.get(leaf).ok_or(format!("`{role}` got no gradient"))?;
        let (expected, _) = run.case.f32(&format!("grad_{role}")).unwrap();
        close(&gradient.to_vec().map_err(text)?, expected, 1e-4, 1e-5)
            .map_err(|e| format!("grad_{role}: {e}"))?;
    }
    Ok(())
}

fn unary_op(run: &Run<'_>) -> Option<UnaryOp> {
    let plain = UnaryOp::ALL.into_iter().find(|op| op.name() == run.case.op)?;
    Some(match plain {
        UnaryOp::LeakyRelu { .. } => UnaryOp::LeakyRelu { slope: run.number("slope") },
        UnaryOp::Clamp { .. } => UnaryOp::Clamp { min: run.number("min"), max: run.number("max") },
        UnaryOp::AddScalar { .. } => UnaryOp::AddScalar { value: run.number("value") },
        UnaryOp::MulScalar { .. } => UnaryOp::MulScalar { value: run.number("value") },
        UnaryOp::HardSigmoid { .. } => {
            UnaryOp::HardSigmoid { slope: run.number("slope"), offset: run.number("offset") }
        }
        UnaryOp::Elu { .. } => UnaryOp::Elu { alpha: run.number("alpha") },
        UnaryOp::Selu { .. } => UnaryOp::Selu { alpha: run.number("alpha"), gamma: run.number("gamma") },
        UnaryOp::Celu { .. } => UnaryOp::Celu { alpha: run.number("alpha") },
        UnaryOp::ThresholdedRelu { .. } => UnaryOp::ThresholdedRelu { threshold: run.number("threshold") },
        UnaryOp::Shrink { .. } => UnaryOp::Shrink { bias: run.number("bias"), lambda: run.number("lambda") },
        plain => plain,
    })
}

#[test]
fn elementwise() {
    check("elementwise", 60, |run| {
        if let Some(op) = unary_op(run) {
            return run.leaf("x").unary(op);
        }
        if run.case.op == "where" {
            let (a, b) = (run.leaf("a"), run.leaf("b"));
            return a.where_on(&run.tensor("condition"), &b);
        }
        let op = BinaryOp::ALL.into_iter().find(|op| op.name() == run.case.op).unwrap();
        let (a, b) = (run.leaf("a"), run.leaf("b"));
        a.binary(op, &b)
    });
}

#[test]
fn matmul() {
    check("matmul", 30, |run| {
        if run.case.op == "linear" {
            let (x, weight, bias) = (run.leaf("x"), run.leaf("weight"), run.optional("bias"));
            return x.linear(&weight, bias.as_ref());
        }
        let op = ops::MatMul {
            transpose_left: run.case.flag("transpose_left").unwrap(),
            transpose_right: run.case.flag("transpose_right").unwrap(),
        };
        let (left, right) = (run.leaf("left"), run.leaf("right"));
        left.matmul_with(&right, op)
    });
}

#[test]
fn convolution() {
    check("convolution", 18, |run| {
        let op = ops::Conv2d {
            stride: run.case.pair("stride").unwrap(),
            padding: run.case.pair("padding").unwrap(),
            dilation: run.case.pair("dilation").unwrap(),
            groups: run.case.count("groups").unwrap(),
        };
        if run.case.op == "im2col" {
            return run.leaf("x").im2col(&op, run.case.pair("kernel").unwrap());
        }
        let (x, weight, bias) = (run.leaf("x"), run.leaf("weight"), run.optional("bias"));
        if run.case.op == "conv_transpose2d" {
            let op = ops::ConvTranspose2d {
                stride: op.stride,
                padding: op.padding,
                output_padding: run.case.pair("output_padding").unwrap(),
                dilation: op.dilation,
                groups: op.groups,
            };
            return x.conv_transpose2d(&weight, bias.as_ref(), &op);
        }
        x.conv2d(&weight, bias.as_ref(), &op)
    });
}

#[test]
fn pooling() {
    check("pooling", 50, |run| {
        let x = run.leaf("x");
        if run.case.op == "adaptive_avg_pool2d" {
            return x
                .adaptive_avg_pool2d(ops::AdaptiveAvgPool2d { output: run.case.pair("output").unwrap() });
        }
        let pool = ops::Pool2d {
            kernel: run.case.pair("kernel").unwrap(),
            stride: run.case.pair("stride").unwrap(),
            padding: run.case.pair("padding").unwrap(),
            dilation: run.case.pair("dilation").unwrap(),
            ceil_mode: run.case.flag("ceil_mode").unwrap(),
            count_include_pad: run.case.flag("count_include_pad").unwrap(),
            divisor_override: run.case.count("divisor_override").ok(),
        };
        match run.case.op.as_str() {
            "max_pool2d" => {
                let (_, indices) = x.tensor().max_pool2d(&pool)?;
                assert_eq!(indices.to_vec::<i32>()?, run.case.i32("indices").unwrap().0, "{}", run.case.name);
                x.max_pool2d(&pool)
            }
            "avg_pool2d" => x.avg_pool2d(&pool),
            "sum_pool2d" => x.sum_pool2d(&pool),
            other => panic!("no operation {other}"),
        }
    });
}

#[test]
fn normalization() {
    check("normalization", 8, |run| {
        let op = ops::BatchNorm { eps: run.number("eps"), momentum: run.number("momentum") };
        let (x, weight, bias) = (run.leaf("x"), run.leaf("weight"), run.leaf("bias"));
        let (mean, var) = (run.tensor("running_mean"), run.tensor("running_var"));
        if !run.case.flag("training").unwrap() {
            return x.batch_norm_eval(&weight, &bias, &mean, &var, &op);
        }
        let trained = x.batch_norm_train(&weight, &bias, &mean, &var, &op)?;
        for (role, tensor) in
            [("new_running_mean", &trained.running_mean), ("new_running_var", &trained.running_var)]
        {
            let expected = run.case.f32(role).unwrap().0;
            close(&tensor.to_vec()?, expected, 1e-5, 1e-6)
                .unwrap_or_else(|e| panic!("{} {role}: {e}", run.case.name));
        }
        Ok(trained.y)
    });
}

#[test]
fn reduction() {
    let differentiable = |case: &Case| case.op != "argmax";
    let golden = golden::family("reduction").unwrap();
    let argmax: Vec<_> = golden.iter().filter(|case| !differentiable(case)).collect();
    assert!(argmax.len() >= 3);
    for context in contexts() {
        for case in &argmax {
            let (values, shape) = case.f32("x").unwrap();
            let x = Tensor::from_slice(&context, values, shape).unwrap();
            let y = x.argmax(&case.counts("axes").unwrap(), false).unwrap();
            let (expected, expected_shape) = case.i32("y").unwrap();
            assert_eq!(
                (y.to_vec::<i32>().unwrap().as_slice(), y.shape()),
                (expected, expected_shape),
                "{}",
                case.name
            );
        }
    }
    check_where("reduction", 50, differentiable, |run| {
        let x = run.leaf("x");
        if let Some(op) = ReduceOp::ALL.into_iter().find(|op| op.name() == run.case.op) {
            return x.reduce(op, &run.case.counts("axes").unwrap(), run.case.flag("keepdim").unwrap());
        }
        let axis = run.case.count("axis").unwrap();
        match run.case.op.as_str() {
            "softmax" => x.softmax(axis),
            "log_softmax" => x.log_softmax(axis),
            other => panic!("no operation {other}"),
        }
    });
}

#[test]
fn loss() {
    check("loss", 72, |run| {
        let reduction = run.case.parameters["reduction"].as_str().unwrap();
        let op = ops::CrossEntropy {
            label_smoothing: run.number("label_smoothing"),
            ignore_index: run.case.number("ignore_index").ok().map(|index| index as i32),
            reduction: Reduction::ALL.into_iter().find(|kind| kind.name() == reduction).unwrap(),
        };
        let (labels, shape) = run.case.i32("target").unwrap();
        let labels = Tensor::from_slice(run.context, labels, shape)?;
        let weights = run.case.has("weight").then(|| run.tensor("weight"));
        run.leaf("x").cross_entropy(&labels, weights.as_ref(), &op)
    });
}

#[test]
fn movement() {
    check("movement", 15, |run| {
        if run.case.op == "concat" {
            let count = (0..).take_while(|index| run.case.has(&format!("x{index}"))).count();
            let operands: Vec<_> = (0..count).map(|index| run.leaf(&format!("x{index}"))).collect();
            return Var::concat(&operands.iter().collect::<Vec<_>>(), run.case.count("axis").unwrap());
        }
        let x = run.leaf("x");
        let counts = |name| run.case.counts(name).unwrap();
        match run.case.op.as_str() {
            "permute" => x.permute(&counts("axes")),
            "slice" => {
                let (starts, ends, steps) = (counts("starts"), counts("ends"), counts("steps"));
                let range =
                    |axis: usize| SliceRange { start: starts[axis], end: ends[axis], step: steps[axis] };
                x.slice(&(0..starts.len()).map(range).collect::<Vec<_>>())
            }
            "resample" => x.resize2d(&resize(run.case)),
            "pad" => {
                let padding: Vec<_> = counts("before").into_iter().zip(counts("after")).collect();
                x.pad(&padding, run.number("value"))
            }
            "reshape" => {
                let to = run.case.parameters["to"].as_array().unwrap();
                x.reshape(&to.iter().map(|extent| extent.as_i64().unwrap() as isize).collect::<Vec<_>>())
            }
            other => panic!("no operation {other}"),
        }
    });
}

/// PyTorch's `interpolate`: bilinear and bicubic by areas unless corners are aligned, nearest by the element before.
fn resize(case: &Case) -> ops::Resize2d {
    let aligned = case.parameters["align_corners"].as_bool().unwrap();
    let (interpolation, coordinates) = match case.parameters["mode"].as_str().unwrap() {
        "nearest" => (ops::Interpolation::Nearest(ops::Rounding::Floor), ops::Coordinates::Asymmetric),
        "bilinear" => (ops::Interpolation::Linear, ops::Coordinates::HalfPixel),
        _ => (ops::Interpolation::Cubic { a: -0.75, exclude_outside: false }, ops::Coordinates::HalfPixel),
    };
    let coordinates = if aligned { ops::Coordinates::AlignCorners } else { coordinates };
    ops::Resize2d { size: case.pair("size").unwrap(), scale: None, interpolation, coordinates }
}

#[test]
fn the_comparator_can_fail() {
    let case = &golden::family("elementwise").unwrap()[0];
    let context = common::context();
    let mut run = Run { case, context: &context, leaves: Vec::new() };
    let wrong = run.leaf("x").scale(1.001).unwrap();
    assert!(compare(&run, &wrong).is_err());
}

#[test]
fn optimizer() {
    let mut cases = Cases::new();
    for context in contexts() {
        for case in golden::family("optimizer").unwrap() {
            let number = |name: &str| case.number(name).unwrap() as f32;
            let (gradients, shape) = case.f32("gradients").unwrap();
            let (start, _) = case.f32("parameter").unwrap();
            let (expected, _) = case.f32("parameters").unwrap();
            let parameter = Tensor::from_slice(&context, start, &[shape[1]]).unwrap();
            let state = [(); 2].map(|()| Tensor::zeros(&context, &[shape[1]]).unwrap());
            for (step, gradient) in gradients.chunks_exact(shape[1]).enumerate() {
                let gradient = Tensor::from_slice(&context, gradient, &[shape[1]]).unwrap();
                if case.op == "sgd" {
                    let op = ops::Sgd {
                        lr: number("lr"),
                        momentum: number("momentum"),
                        dampening: number("dampening"),
                        nesterov: case.flag("nesterov").unwrap(),
                        weight_decay: number("weight_decay"),
                    };
                    let buffer = (op.momentum != 0.0).then_some(&state[0]);
                    sgd_step(&parameter, &gradient, buffer, step == 0, &op).unwrap();
                } else {
                    let op = ops::AdamW {
                        lr: number("lr"),
                        beta1: number("beta1"),
                        beta2: number("beta2"),
                        eps: number("eps"),
                        weight_decay: number("weight_decay"),
                    };
                    adamw_step(&parameter, &gradient, &state[0], &state[1], step as u32 + 1, &op).unwrap();
                }
                let now = parameter.to_vec::<f32>().unwrap();
                let expected = &expected[step * shape[1]..][..shape[1]];
                cases.check(format!("{} step {step}", case.name), close(&now, expected, 1e-5, 1e-6));
            }
        }
    }
    cases.finish();
}

//! One road for an operation: what runs eagerly is captured, compiled and run again with the same bits, whatever the
//! operation and however many results it has.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "one_road/bytes.rs"]
mod bytes;
mod common;
#[allow(dead_code)]
#[path = "../examples/custom_op.rs"]
mod custom_op;
#[path = "one_road/integers.rs"]
mod integers;
#[path = "one_road/products.rs"]
mod products;
#[path = "one_road/training.rs"]
mod training;

use std::collections::BTreeSet;

use common::{Cases, context, contexts_for_numbers, random};
use custom_op::{ScaledMish, ScaledMishBackward};
use tilewright::{
    Context, DType, Function, Tensor, Var,
    graph::{Compiled, Options, capture},
    ops::{
        AdaptiveAvgPool2d, BatchNorm, BinaryOp, Conv2d, CrossEntropy, CumSum, Dropout, Gradient, Kind,
        LogSoftmax, Moments, Nms, Op, Pool2d, ReduceOp, RoiAlign, RoiPool, ScatterReduction, SliceRange,
        Softmax, TopK, UnaryOp, op::Accepts, support::operation,
    },
};

/// An operation and the shapes of its operands. Operands whose type the facts say is i32 hold small indices.
struct Case {
    op: Op,
    shapes: Vec<Vec<usize>>,
    /// Whether operands hold integers wherever they may.
    integers: bool,
}

fn case(op: Op, shapes: &[&[usize]]) -> Case {
    Case { op, shapes: shapes.iter().map(|shape| shape.to_vec()).collect(), integers: false }
}

fn of_integers(op: Op, shapes: &[&[usize]]) -> Case {
    Case { integers: true, ..case(op, shapes) }
}

const IMAGE: &[usize] = &[2, 3, 6, 7];

/// The number of an operation's kind. A new kind does not compile until it has one here, and a case below.
fn number(op: &Op) -> usize {
    match op {
        Op::Unary(_) => 0,
        Op::Binary { .. } => 1,
        Op::MatMul { .. } => 2,
        Op::Conv2d { .. } => 3,
        Op::BatchNorm { .. } => 4,
        Op::BatchNormTrain { .. } => 5,
        Op::MaxPool2d { .. } => 6,
        Op::AvgPool2d(_) => 7,
        Op::SumPool2d(_) => 8,
        Op::AdaptiveAvgPool2d(_) => 9,
        Op::Reduce { .. } => 10,
        Op::Argmax { .. } => 11,
        Op::Im2col { .. } => 12,
        Op::CrossEntropy { .. } => 13,
        Op::Dropout { .. } => 14,
        Op::Softmax(_) => 15,
        Op::LogSoftmax(_) => 16,
        Op::Reshape(_) => 17,
        Op::Permute(_) => 18,
        Op::Slice(_) => 19,
        Op::Concat { .. } => 20,
        Op::Split { .. } => 21,
        Op::Pad { .. } => 22,
        Op::Expand(_) => 23,
        Op::Cast(_) => 24,
        Op::ConvTranspose2d(_) => 25,
        Op::Where => 26,
        Op::Resample { .. } => 27,
        Op::Gather { .. } => 28,
        Op::TopK(_) => 29,
        Op::CumSum(_) => 30,
        Op::Moments(_) => 31,
        Op::GatherElements { .. } => 32,
        Op::GatherNd { .. } => 33,
        Op::Scatter { .. } => 34,
        Op::ScatterElements { .. } => 35,
        Op::ScatterNd { .. } => 36,
        Op::Standardize => 37,
        Op::Quantized(_) => 39,
        Op::FakeQuantize(_) => 40,
        Op::Nms(_) => 41,
        Op::RoiAlign(_) => 42,
        Op::RoiPool(_) => 43,
        Op::Custom(_) => 99,
        Op::Attention { .. } => 38,
        Op::Gradient(gradient) => {
            100 + match gradient {
                Gradient::Unary(_) => 0,
                Gradient::Binary { .. } => 1,
                Gradient::Conv2dInput { .. } => 2,
                Gradient::Conv2dWeight { .. } => 3,
                Gradient::Conv2dBias => 4,
                Gradient::Im2col { .. } => 5,
                Gradient::MaxPool2d { .. } => 6,
                Gradient::AvgPool2d { .. } => 7,
                Gradient::SumPool2d { .. } => 8,
                Gradient::AdaptiveAvgPool2d { .. } => 9,
                Gradient::BatchNormTrain { .. } => 10,
                Gradient::BatchNorm { .. } => 11,
                Gradient::Softmax(_) => 12,
                Gradient::LogSoftmax(_) => 13,
                Gradient::CrossEntropy { .. } => 14,
                Gradient::Slice { .. } => 15,
                Gradient::TopK { .. } => 16,
                Gradient::BatchNormAgain { .. } => 17,
                Gradient::FakeQuantize { .. } => 18,
                Gradient::RoiAlign { .. } => 19,
                Gradient::RoiPool { .. } => 20,
            }
        }
    }
}

fn windows() -> Vec<Case> {
    let pool = Pool2d { padding: [1, 1], ..Pool2d::new([3, 2]) };
    let adaptive = AdaptiveAvgPool2d { output: [4, 2] };
    let (x_shape, y): (_, &[usize]) = ([2, 3, 6, 7], &[2, 3, 2, 4]);
    let align = RoiAlign { output: [2, 3], spatial_scale: 0.5, sampling_ratio: 0, aligned: true };
    let roi_pool = RoiPool { output: [2, 3], spatial_scale: 0.5 };
    let (rois, bins): (&[usize], &[usize]) = (&[9, 5], &[9, 3, 2, 3]);
    vec![
        case(Op::MaxPool2d { pool, indices: false }, &[IMAGE]),
        case(Op::MaxPool2d { pool, indices: true }, &[IMAGE]),
        case(Op::AvgPool2d(pool), &[IMAGE]),
        case(Op::SumPool2d(pool), &[IMAGE]),
        case(Op::AdaptiveAvgPool2d(adaptive), &[IMAGE]),
        case(Op::Gradient(Gradient::MaxPool2d { pool, x_shape }), &[y, y]),
        case(Op::Gradient(Gradient::AvgPool2d { pool, x_shape }), &[y]),
        case(Op::Gradient(Gradient::SumPool2d { pool, x_shape }), &[y]),
        case(Op::Gradient(Gradient::AdaptiveAvgPool2d { pool: adaptive, x_shape }), &[&[2, 3, 4, 2]]),
        case(Op::RoiAlign(align), &[IMAGE, rois]),
        case(Op::RoiPool(roi_pool), &[IMAGE, rois]),
        case(Op::Gradient(Gradient::RoiAlign { op: align, x_shape }), &[rois, bins]),
        case(Op::Gradient(Gradient::RoiPool { op: roi_pool, x_shape }), &[rois, bins, bins]),
    ]
}

fn others() -> Vec<Case> {
    let add = |activation| Op::Binary { op: BinaryOp::Add, activation };
    let topk = TopK { k: 3, axis: 2, largest: false };
    let (softmax, log_softmax) = (Softmax { axis: 1 }, LogSoftmax { axis: 2 });
    let ranges = vec![SliceRange::full(2), SliceRange::new(1, 3), SliceRange { start: 0, end: 6, step: 2 }];
    let ranges: Vec<_> = ranges.into_iter().chain([SliceRange::full(7)]).collect();
    vec![
        case(Op::Unary(UnaryOp::Gelu), &[IMAGE]),
        case(add(None), &[IMAGE, &[3, 1, 1]]),
        case(add(Some(UnaryOp::Relu)), &[IMAGE, IMAGE]),
        case(Op::Where, &[&[6, 7], IMAGE, &[]]),
        case(Op::Cast(DType::F16), &[IMAGE]),
        case(Op::Cast(DType::I32), &[IMAGE]),
        case(Op::Reduce { op: ReduceOp::Mean, axes: vec![2, 3], keepdim: true }, &[IMAGE]),
        case(Op::Reduce { op: ReduceOp::Max, axes: vec![], keepdim: false }, &[IMAGE]),
        case(Op::Argmax { axes: vec![1], keepdim: false }, &[IMAGE]),
        case(Op::Softmax(softmax), &[IMAGE]),
        case(Op::LogSoftmax(log_softmax), &[IMAGE]),
        case(Op::Reshape(vec![6, 42]), &[IMAGE]),
        case(Op::Permute(vec![3, 1, 0, 2]), &[IMAGE]),
        case(Op::Slice(ranges.clone()), &[IMAGE]),
        case(Op::Concat { axis: 1 }, &[IMAGE, &[2, 1, 6, 7], IMAGE]),
        case(Op::Split { axis: 3, parts: vec![1, 4, 2] }, &[IMAGE]),
        case(Op::Pad { padding: vec![(0, 0), (1, 0), (0, 2), (3, 1)], value: 0.5 }, &[IMAGE]),
        case(Op::Expand(vec![2, 3, 6, 7]), &[&[3, 1, 7]]),
        case(Op::Resample { axis: 2 }, &[IMAGE, &[9, 2, 2], &[4, 1, 2]]),
        case(Op::Gather { axis: 2 }, &[IMAGE, &[2, 2]]),
        case(Op::TopK(topk), &[IMAGE]),
        case(Op::Nms(Nms { iou_threshold: 0.1 }), &[&[2, 70, 4], &[2, 70]]),
        case(Op::CumSum(CumSum { axis: 2, exclusive: false, reverse: true }), &[IMAGE]),
        case(Op::Moments(Moments { axes: vec![2, 3] }), &[IMAGE]),
        case(Op::Moments(Moments { axes: vec![0, 3] }), &[IMAGE]),
        case(Op::Standardize, &[IMAGE, &[2, 3, 1, 1], &[2, 3, 1, 1], &[2, 3, 1, 1]]),
        case(Op::Standardize, &[IMAGE, &[1, 3, 6, 1], &[1, 3, 6, 1], &[1, 3, 6, 1]]),
        case(
            Op::Gradient(Gradient::TopK { op: topk, shape: IMAGE.to_vec() }),
            &[&[2, 3, 3, 7], &[2, 3, 3, 7]],
        ),
        case(Op::Gradient(Gradient::Unary(UnaryOp::Tanh)), &[IMAGE, IMAGE]),
        case(
            Op::Gradient(Gradient::Binary { op: BinaryOp::Mul, wants: [true, true] }),
            &[IMAGE, &[3, 1, 1], IMAGE],
        ),
        case(
            Op::Gradient(Gradient::Binary { op: BinaryOp::Div, wants: [false, true] }),
            &[IMAGE, IMAGE, IMAGE],
        ),
        case(ScaledMish { factor: 0.5 }.op(), &[IMAGE, &[3]]),
        case(ScaledMishBackward { factor: 0.5 }.op(), &[IMAGE, &[3], IMAGE]),
        case(Op::Gradient(Gradient::Softmax(softmax)), &[IMAGE, IMAGE]),
        case(Op::Gradient(Gradient::LogSoftmax(log_softmax)), &[IMAGE, IMAGE]),
        case(Op::Gradient(Gradient::Slice { shape: IMAGE.to_vec(), ranges }), &[&[2, 2, 3, 7]]),
    ]
}

fn cases() -> Vec<Case> {
    [products::cases(), windows(), training::cases(), others(), integers::cases(), bytes::cases()]
        .into_iter()
        .flatten()
        .collect()
}

fn operands(context: &Context, case: &Case) -> Vec<Tensor> {
    let facts = case.op.facts();
    let operand = |(at, shape): (usize, &Vec<usize>)| {
        let count = shape.iter().product();
        let input = facts.input(at);
        if matches!(input.accepts, Accepts::Bytes | Accepts::Integers | Accepts::Only(DType::I8)) {
            return bytes::bytes(context, shape);
        }
        let whole = input.accepts.refuses(DType::I32, DType::F32).is_none()
            && input.accepts.refuses(DType::F32, DType::F32).is_some();
        let may = case.integers && input.accepts.refuses(DType::I32, DType::I32).is_none();
        if whole || may {
            let indices: Vec<i32> = (0..count as i32).map(|at| at % 3).collect();
            return Tensor::from_slice(context, &indices, shape).unwrap();
        }
        if ["scale", "multiplier"].contains(&input.name) {
            let numbers: Vec<f32> = (0..count).map(|at| 0.01 + 0.002 * (at % 5) as f32).collect();
            return Tensor::from_slice(context, &numbers, shape).unwrap();
        }
        let low = if ["running_var", "inv_std"].contains(&input.name) { 0.5 } else { -2.0 };
        Tensor::from_slice(context, &random(at as u64 + 1, count, low, 2.0), shape).unwrap()
    };
    case.shapes.iter().enumerate().map(operand).collect()
}

/// The elements as bits, whatever their type.
fn bits(tensor: &Tensor) -> Vec<u32> {
    match tensor.dtype() {
        DType::I32 => tensor.to_vec::<i32>().unwrap().into_iter().map(|value| value as u32).collect(),
        DType::F16 => bits(&tensor.cast(DType::F32).unwrap()),
        DType::I8 | DType::U8 => bits(&tensor.cast(DType::I32).unwrap()),
        _ => tensor.to_vec::<f32>().unwrap().into_iter().map(f32::to_bits).collect(),
    }
}

#[test]
fn every_kind_of_operation_has_a_case() {
    let found: BTreeSet<_> = cases().iter().map(|case| number(&case.op)).collect();
    let expected: BTreeSet<_> = (0..=43).chain([99]).chain(100..=120).collect();
    assert_eq!(found, expected);
}

#[test]
fn what_runs_is_captured_and_gives_the_same_bits() {
    let mut outcomes = Cases::new();
    for context in contexts_for_numbers() {
        for case in cases() {
            let tensors = operands(&context, &case);
            let eager = Tensor::run(&case.op, &tensors.iter().collect::<Vec<_>>()).unwrap();
            let names: Vec<_> = (0..tensors.len()).map(|at| format!("x{at}")).collect();
            let ports: Vec<_> = names
                .iter()
                .zip(&tensors)
                .map(|(name, tensor)| (name.as_str(), tensor.shape(), tensor.dtype()))
                .collect();
            let graph = capture(&context, &ports, |inputs| {
                let results = Tensor::run(&case.op, &inputs.iter().collect::<Vec<_>>())?;
                let named = results.into_iter().enumerate().map(|(at, y)| (format!("y{at}"), y));
                Ok::<_, tilewright::tensor::Error>(named.collect())
            })
            .unwrap();
            assert_eq!(graph.nodes().len(), 1, "{:?}", case.op);
            for optimize in [false, true] {
                let options = Options { optimize, ..Options::default() };
                let compiled = Compiled::new(&graph, &options).unwrap();
                let replayed = compiled.run(&tensors.iter().collect::<Vec<_>>()).unwrap();
                assert_eq!(replayed.len(), eager.len(), "{:?}", case.op);
                for (at, (eager, replayed)) in eager.iter().zip(&replayed).enumerate() {
                    let same = eager.shape() == replayed.shape()
                        && eager.dtype() == replayed.dtype()
                        && bits(eager) == bits(replayed);
                    let outcome = if same { Ok(()) } else { Err(format!("{eager:?} and {replayed:?}")) };
                    let name = format!("{:?} result {at}, optimize {optimize}", case.op);
                    outcomes.check(format!("{name}, {:?}", context.mode()), outcome);
                }
            }
        }
    }
    outcomes.finish();
}

/// The facts agree with what comes out, and with the support table.
#[test]
fn facts_say_what_comes_out() {
    let context = context();
    for case in cases() {
        let facts = case.op.facts();
        let tensors = operands(&context, &case);
        let results = Tensor::run(&case.op, &tensors.iter().collect::<Vec<_>>()).unwrap();
        assert_eq!(results.len(), facts.outputs.len(), "{}", facts.name);
        let typed: Vec<_> = tensors.iter().map(|tensor| (tensor.shape(), tensor.dtype())).collect();
        let moved: usize = tensors.iter().chain(&results).map(|t| t.count() * t.dtype().size()).sum();
        assert_eq!(facts.bytes(&typed).unwrap(), moved as u64, "{}", facts.name);
        if facts.owns_memory {
            for result in &results {
                let shared = tensors.iter().any(|operand| operand.buffer().same(result.buffer()));
                assert!(!shared, "{}: a result is an operand's memory", facts.name);
            }
        }
        let extents: Vec<_> = tensors.iter().map(Tensor::shape).collect();
        let flops = facts.flop_count(&extents).unwrap();
        let sums =
            !matches!(case.op, Op::Pad { .. } | Op::Im2col { .. } | Op::Gradient(Gradient::Slice { .. }));
        assert_eq!(flops > 0, sums && facts.kind != Kind::Movement, "{}: {flops} FLOP", facts.name);
        let row = match &case.op {
            Op::Gradient(_) | Op::Custom(_) => continue,
            Op::BatchNorm { .. } | Op::BatchNormTrain { .. } => operation("batch_norm"),
            _ => operation(facts.name),
        };
        let row =
            row.unwrap_or_else(|| panic!("{} has no row in crates/ops/src/support/rows.rs", facts.name));
        if facts.kind == Kind::Product {
            assert!(row.f16, "{}: products take f16", facts.name);
        }
    }
}

/// A whole training step, there and back, is a graph like any other.
#[test]
fn a_training_step_can_be_captured() {
    let context = context();
    let step = |inputs: &[Tensor]| -> Result<Vec<(String, Tensor)>, tilewright::autograd::Error> {
        let [weight, gamma, beta] = [1, 2, 3].map(|at: usize| Var::leaf(inputs[at].clone()));
        let (mean, var) = (Tensor::zeros(&context, &[8])?, Tensor::ones(&context, &[8])?);
        let op = Conv2d { padding: [1, 1], ..Conv2d::default() };
        let y = Var::constant(inputs[0].clone()).conv2d(&weight, None, &op)?;
        let trained = y.batch_norm_train(&gamma, &beta, &mean, &var, &BatchNorm::default())?;
        let y = trained.y.relu()?.max_pool2d(&Pool2d::new([2, 2]))?.dropout(&Dropout { p: 0.3 }, 1, 2)?;
        let logits = y.adaptive_avg_pool2d(AdaptiveAvgPool2d { output: [1, 1] })?.flatten(1)?;
        let loss = logits.cross_entropy(&inputs[4], None, &CrossEntropy::default())?;
        let gradients = loss.backward()?;
        let mut outputs =
            vec![("loss".to_owned(), loss.tensor().clone()), ("running_var".to_owned(), trained.running_var)];
        for (name, leaf) in [("weight", &weight), ("gamma", &gamma), ("beta", &beta)] {
            outputs.push((name.to_owned(), gradients.get(leaf).unwrap().clone()));
        }
        Ok(outputs)
    };
    let float = |seed, shape: &[usize]| {
        Tensor::from_slice(&context, &random(seed, shape.iter().product(), -1.0, 1.0), shape).unwrap()
    };
    let labels = Tensor::from_slice(&context, &[1i32, 7, 0, 3], &[4]).unwrap();
    let inputs = [float(1, &[4, 3, 8, 8]), float(2, &[8, 3, 3, 3]), float(3, &[8]), float(4, &[8]), labels];
    let eager = step(&inputs).unwrap();
    let names = ["x", "weight", "gamma", "beta", "labels"];
    let ports: Vec<_> =
        names.iter().zip(&inputs).map(|(&name, tensor)| (name, tensor.shape(), tensor.dtype())).collect();
    let graph = capture(&context, &ports, step).unwrap();
    let compiled = Compiled::new(&graph, &Options::default()).unwrap();
    let replayed = compiled.run(&inputs.iter().collect::<Vec<_>>()).unwrap();
    for ((name, eager), replayed) in eager.iter().zip(&replayed) {
        assert_eq!(bits(eager), bits(replayed), "{name}");
    }
}

#[test]
fn several_results_have_gradients_of_their_own() {
    let context = context();
    let values: Vec<f32> = (0..12).map(|value| value as f32).collect();
    let x = Var::leaf(Tensor::from_slice(&context, &values, &[2, 6]).unwrap());
    let parts = x.split(1, &[1, 3, 2]).unwrap();
    assert_eq!(parts.iter().map(|part| part.shape().to_vec()).collect::<Vec<_>>(), [[2, 1], [2, 3], [2, 2]]);
    // The middle part is not used: its gradient is 0.
    let loss = parts[0].scale(2.0).unwrap().sum(&[], false).unwrap();
    let loss = loss.add(&parts[2].mul(&parts[2]).unwrap().sum(&[], false).unwrap()).unwrap();
    let gradients = loss.backward().unwrap();
    let expected = [2.0, 0.0, 0.0, 0.0, 8.0, 10.0, 2.0, 0.0, 0.0, 0.0, 20.0, 22.0];
    assert_eq!(gradients.get(&x).unwrap().to_vec::<f32>().unwrap(), expected);
    let image = Var::leaf(Tensor::from_slice(&context, &values, &[1, 1, 3, 4]).unwrap());
    let (y, indices) = image.max_pool2d_with_indices(&Pool2d::new([3, 2])).unwrap();
    assert_eq!(indices.to_vec::<i32>().unwrap(), [9, 11]);
    let gradients = y.sum(&[], false).unwrap().backward().unwrap();
    assert_eq!(gradients.get(&image).unwrap().to_vec::<f32>().unwrap().iter().sum::<f32>(), 2.0);
}

#[test]
fn an_operation_without_a_rule_says_so() {
    let context = context();
    let x = Var::leaf(Tensor::from_slice(&context, &[1.0f32, 2.0], &[2]).unwrap());
    let indices = Var::constant(Tensor::from_slice(&context, &[1i32], &[1]).unwrap());
    let three = Var::constant(Tensor::from_slice(&context, &[3.0f32], &[1]).unwrap());
    let op = Op::Scatter { axis: 0, reduction: ScatterReduction::Mul };
    let error = Var::run(&op, &[&x, &indices, &three]).unwrap_err().to_string();
    assert!(error.contains("scatter") && error.contains("backward rule"), "{error}");
    let detached = Var::run_one(&op, &[&x.detach(), &indices, &three]).unwrap();
    assert_eq!(detached.tensor().to_vec::<f32>().unwrap(), [1.0, 6.0]);
}

//! Capture and passes: what a graph computes, with and without them, is what eager execution computes.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "common/cases/mod.rs"]
mod cases;
mod common;
#[path = "common/graphs.rs"]
mod graphs;

use common::{Cases, close, contexts, random, random_tensor};
use graphs::{Build, changed, graph_of};
use tilewright::{
    Context, DType, MatMulCall, Tensor,
    graph::{Compiled, Graph, Options},
    ops::{BatchNorm, BinaryOp, Conv2d, MatMul, Op, SliceRange, UnaryOp},
};

/// Compiled with and without passes against eager execution, in both modes; gives the optimised one of the first.
fn check(shapes: &[&[usize]], build: &Build) -> Compiled {
    let mut first = None;
    for context in contexts() {
        let inputs: Vec<_> = shapes
            .iter()
            .enumerate()
            .map(|(seed, shape)| random_tensor(&context, 7 + seed as u64, shape).0)
            .collect();
        let expected: Vec<_> = build(&inputs).unwrap().iter().map(|y| y.to_vec::<f32>().unwrap()).collect();
        for optimize in [false, true] {
            let options = Options { optimize, ..Options::default() };
            let compiled = Compiled::new(&graph_of(&context, shapes, build), &options).unwrap();
            for _ in 0..2 {
                let found = compiled.run(&inputs.iter().collect::<Vec<_>>()).unwrap();
                assert_eq!(found.len(), expected.len());
                for (found, expected) in found.iter().zip(&expected) {
                    close(&found.to_vec::<f32>().unwrap(), expected, 2e-6, 2e-6).unwrap();
                }
            }
            if optimize {
                first.get_or_insert(compiled);
            }
        }
    }
    first.unwrap()
}

/// The operations of the optimised graph.
fn ops(compiled: &Compiled) -> Vec<String> {
    compiled.graph().summary().unwrap().nodes.iter().map(|node| node.title()).collect()
}

fn constant(context: &Context, seed: u64, shape: &[usize]) -> Tensor {
    random_tensor(context, 100 + seed, shape).0
}

/// Four statistics of a BatchNorm, none of them what a fresh one has.
fn statistics(context: &Context, seed: u64, channels: usize) -> [Tensor; 4] {
    let positive = random(seed, channels, 0.3, 2.0);
    let var = Tensor::from_slice(context, &positive, &[channels]).unwrap();
    [1, 2, 3]
        .map(|at| constant(context, seed + at, &[channels]))
        .into_iter()
        .chain([var])
        .collect::<Vec<_>>()
        .try_into()
        .unwrap()
}

const PADDED: Conv2d = Conv2d { stride: [1, 1], padding: [1, 1], dilation: [1, 1], groups: 1 };

#[test]
fn a_batch_norm_and_an_activation_go_into_the_convolution() {
    for bias in [false, true] {
        let compiled = check(&[&[2, 5, 9, 7]], &move |inputs| {
            let context = inputs[0].context();
            let bias = bias.then(|| constant(context, 1, &[6]));
            let [gamma, beta, mean, var] = statistics(context, 2, 6);
            let y = inputs[0].conv2d(&constant(context, 9, &[6, 5, 3, 3]), bias.as_ref(), &PADDED)?;
            let y = y.batch_norm_eval(&gamma, &beta, &mean, &var, &BatchNorm { eps: 1e-2, momentum: 0.1 })?;
            Ok(vec![y.unary(UnaryOp::LeakyRelu { slope: 0.1 })?])
        });
        assert_eq!(ops(&compiled), ["conv2d + leaky_relu"]);
        assert_eq!((changed(&compiled, "fold_batch_norm"), changed(&compiled, "fuse_activation")), (1, 1));
    }
}

#[test]
fn a_batch_norm_whose_convolution_is_read_elsewhere_stays() {
    let compiled = check(&[&[1, 4, 6, 6]], &|inputs| {
        let context = inputs[0].context();
        let [gamma, beta, mean, var] = statistics(context, 2, 4);
        let y = inputs[0].conv2d(&constant(context, 9, &[4, 4, 1, 1]), None, &Conv2d::default())?;
        let z = y.batch_norm_eval(&gamma, &beta, &mean, &var, &BatchNorm::default())?.relu()?;
        Ok(vec![y, z])
    });
    assert_eq!(ops(&compiled), ["conv2d", "batch_norm_eval + relu"]);
}

#[test]
fn a_scale_and_a_bias_behind_a_convolution_go_into_it() {
    let compiled = check(&[&[1, 4, 6, 5]], &|inputs| {
        let context = inputs[0].context();
        let y = inputs[0].conv2d(
            &constant(context, 9, &[3, 4, 3, 3]),
            Some(&constant(context, 1, &[3])),
            &PADDED,
        )?;
        let y = y.mul(&constant(context, 2, &[1, 3, 1, 1]))?.scale(0.5)?;
        let y = constant(context, 3, &[3, 1, 1]).add(&y)?;
        Ok(vec![y.div(&constant(context, 4, &[1]))?.relu()?])
    });
    assert_eq!(ops(&compiled), ["conv2d + relu"]);
    assert_eq!((changed(&compiled, "fold_scale"), changed(&compiled, "fuse_bias")), (3, 1));
}

#[test]
fn what_is_no_scale_of_channels_stays() {
    let compiled = check(&[&[1, 4, 6, 3]], &|inputs| {
        let context = inputs[0].context();
        let y = inputs[0].conv2d(&constant(context, 9, &[3, 4, 3, 3]), None, &PADDED)?;
        // Along the width, which happens to be as long as the channels are many; and a sum that broadcasts the product.
        let y = y.mul(&constant(context, 2, &[3]))?;
        Ok(vec![y.add(&constant(context, 3, &[2, 3, 6, 3]))?])
    });
    assert_eq!(ops(&compiled), ["conv2d", "mul", "add"]);
}

#[test]
fn a_linear_layer_is_one_node() {
    let compiled = check(&[&[5, 12]], &|inputs| {
        let context = inputs[0].context();
        let y = inputs[0].matmul(&constant(context, 1, &[12, 7]))?;
        let y = y.add(&constant(context, 2, &[7]))?.relu()?;
        let op = MatMul { transpose_right: true, ..MatMul::default() };
        Ok(vec![y.matmul_with(&constant(context, 3, &[4, 7]), &MatMulCall::new(op))?.add(&constant(
            context,
            4,
            &[1, 4],
        ))?])
    });
    assert_eq!(ops(&compiled), ["matmul + relu", "matmul"]);
    assert_eq!(changed(&compiled, "fuse_bias"), 2);
}

#[test]
fn a_residual_block_is_two_convolutions() {
    let compiled = check(&[&[2, 8, 7, 7]], &|inputs| {
        let context = inputs[0].context();
        let norm = |y: Tensor, seed| {
            let [gamma, beta, mean, var] = statistics(context, seed, 8);
            y.batch_norm_eval(&gamma, &beta, &mean, &var, &BatchNorm::default())
        };
        let y = norm(inputs[0].conv2d(&constant(context, 1, &[8, 8, 3, 3]), None, &PADDED)?, 10)?.relu()?;
        let y = norm(y.conv2d(&constant(context, 2, &[8, 8, 3, 3]), None, &PADDED)?, 20)?;
        Ok(vec![y.add(&inputs[0])?.relu()?])
    });
    assert_eq!(ops(&compiled), ["conv2d + relu", "conv2d + residual + relu"]);
    assert_eq!(changed(&compiled, "fuse_residual"), 1);
}

#[test]
fn the_later_of_two_convolutions_takes_the_sum() {
    let compiled = check(&[&[1, 4, 6, 6]], &|inputs| {
        let context = inputs[0].context();
        let a = inputs[0].conv2d(&constant(context, 1, &[4, 4, 3, 3]), None, &PADDED)?;
        let b = inputs[0].relu()?.conv2d(&constant(context, 2, &[4, 4, 1, 1]), None, &Conv2d::default())?;
        Ok(vec![b.add(&a)?])
    });
    assert_eq!(ops(&compiled), ["conv2d", "relu", "conv2d + residual"]);
}

#[test]
fn identities_constants_and_repetitions_go() {
    let compiled = check(&[&[2, 3, 4, 5]], &|inputs| {
        let (x, context) = (&inputs[0], inputs[0].context());
        let y =
            x.reshape(&[6, 20])?.reshape(&[2, 3, 4, 5])?.permute(&[0, 2, 3, 1])?.permute(&[0, 3, 1, 2])?;
        let ranges: Vec<_> = y.shape().iter().map(|&extent| SliceRange::full(extent)).collect();
        let y = y.slice(&ranges)?.pad(&[(0, 0); 4], 1.0)?.unary(UnaryOp::MulScalar { value: 1.0 })?;
        let y = Tensor::concat(&[&y], 2)?.expand(&[2, 3, 4, 5])?;
        // A constant expression, and the same sum twice.
        let shift = constant(context, 1, &[3, 1, 1]).scale(2.0)?.relu()?;
        let (a, b) = (y.add(&shift)?.relu()?, y.add(&shift)?.relu()?);
        Ok(vec![a.mul(&b)?])
    });
    assert_eq!(ops(&compiled), ["add + relu", "mul"]);
    for pass in ["remove_identities", "eliminate_common"] {
        assert!(changed(&compiled, pass) > 0, "{pass}");
    }
}

#[test]
fn constant_expressions_are_computed_once() {
    for context in contexts() {
        let mut graph = Graph::new(&context);
        let (values, x) = (random(1, 12, -1.0, 1.0), graph.input("x", &[3, 4], DType::F32));
        let table = graph.constant(Tensor::from_slice(&context, &values, &[4, 3]).unwrap());
        let turned = graph.push("turned", Op::Permute(vec![1, 0]), &[table]).unwrap();
        let turned = graph.push("relu", Op::Unary(UnaryOp::Relu), &[turned]).unwrap();
        let mul = Op::Binary { op: BinaryOp::Mul, activation: None };
        let y = graph.push("mul", mul, &[x, turned]).unwrap();
        graph.output("y", y).unwrap();
        let compiled = Compiled::new(&graph, &Options::default()).unwrap();
        assert_eq!((ops(&compiled), changed(&compiled, "fold_constants")), (vec!["mul".to_owned()], 2));
        let mut session = compiled.session().unwrap();
        session.write(0, &[2.0f32; 12]).unwrap();
        session.execute().unwrap();
        let expected: Vec<f32> = (0..12).map(|at| 2.0 * values[at % 4 * 3 + at / 4].max(0.0)).collect();
        assert_eq!(session.read::<f32>(0).unwrap(), expected);
    }
}

#[test]
fn every_operation_of_the_vocabulary_can_be_captured() {
    for context in contexts() {
        let captured = cases::captured(&context);
        let inputs: Vec<_> = captured.inputs.iter().map(|(_, tensor)| tensor).collect();
        for optimize in [false, true] {
            let options = Options { optimize, ..Options::default() };
            let compiled = Compiled::new(&captured.graph, &options).unwrap();
            let found = compiled.run(&inputs).unwrap();
            assert_eq!(found.len(), captured.expected.len());
            let mut table = Cases::new();
            for (found, (name, expected)) in found.iter().zip(&captured.expected) {
                let found: Vec<f32> = found.cast(DType::F32).unwrap().to_vec().unwrap();
                table.check(format!("{name}, passes {optimize}"), close(&found, expected, 2e-6, 2e-6));
            }
            table.finish();
        }
    }
}

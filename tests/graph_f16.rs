//! Graphs whose products and convolutions keep their numbers as f16: where the casts stand, and what is computed.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{contexts_for_numbers, random, random_tensor};
use tilewright::{
    Context, DType, MatMulCall, ParameterStore, Pass, Tensor, Var,
    graph::{Compiled, Error, Graph, Options, Precision, capture},
    nn::Entry,
    ops::{BinaryOp, Conv2d, MatMul, Op, Pool2d, UnaryOp},
    tensor::{Epilogue, Error as TensorError},
    zoo::{self, Network, Shortcut},
};

const PADDED: Conv2d = Conv2d { stride: [1, 1], padding: [1, 1], dilation: [1, 1], groups: 1 };

fn graph_of(
    context: &Context,
    shape: &[usize],
    build: impl Fn(&Tensor) -> Result<Tensor, TensorError>,
) -> Graph {
    capture(context, &[("x", shape, DType::F32)], |inputs| {
        Ok::<_, TensorError>(vec![("y".to_owned(), build(&inputs[0])?)])
    })
    .unwrap()
}

fn compiled(graph: &Graph, precision: Precision) -> Compiled {
    Compiled::new(graph, &Options { precision, ..Options::default() }).unwrap()
}

fn run(compiled: &Compiled, x: &Tensor) -> Vec<f32> {
    compiled.run(&[x]).unwrap()[0].to_vec().unwrap()
}

/// Each node as its operation and the type of its result.
fn nodes(compiled: &Compiled) -> Vec<String> {
    let graph = compiled.graph();
    graph.nodes().iter().map(|node| format!("{} {}", node.op.name(), graph[node.output()].dtype)).collect()
}

fn apart(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
    let worst = found.iter().zip(expected).map(|(a, b)| (a - b).abs());
    assert!(found.iter().all(|value| value.is_finite()));
    worst.fold(0.0, f32::max) / largest
}

fn constant(context: &Context, seed: u64, shape: &[usize]) -> Tensor {
    random_tensor(context, 100 + seed, shape).0
}

#[test]
fn casts_stand_at_the_ends_and_around_islands() {
    for context in contexts_for_numbers() {
        let (x, _) = random_tensor(&context, 1, &[2, 5, 9, 7]);
        let graph = graph_of(&context, x.shape(), |x| {
            let c = x.context();
            // The residual and the joined halves stay in f16; the pooling is an island; the two readers of the pooling
            // share a cast.
            let first =
                x.conv2d(&constant(c, 1, &[6, 5, 3, 3]), Some(&constant(c, 2, &[6])), &PADDED)?.relu()?;
            let second = first.conv2d(&constant(c, 3, &[6, 6, 3, 3]), None, &PADDED)?.add(&first)?.relu()?;
            let both = Tensor::concat(&[&first, &second], 1)?;
            let pooled = both.max_pool2d_values(&Pool2d::new([2, 2]))?;
            let left = pooled.conv2d(&constant(c, 4, &[4, 12, 1, 1]), None, &Conv2d::default())?;
            let right = pooled
                .conv2d(&constant(c, 5, &[4, 12, 1, 1]), None, &Conv2d::default())?
                .unary(UnaryOp::Sigmoid)?;
            let rows = left.mul(&right)?.reshape(&[2, -1])?;
            rows.linear(&constant(c, 6, &[3, 48]), Some(&constant(c, 7, &[3])))
        });
        let wide = compiled(&graph, Precision::F32);
        let narrow = compiled(&graph, Precision::F16);
        assert_eq!(
            nodes(&narrow),
            [
                "cast f16",
                "conv2d f16",
                "conv2d f16",
                "concat f16",
                "cast f32",
                "max_pool2d f32",
                "cast f16",
                "conv2d f16",
                "conv2d f16",
                "cast f32",
                "cast f32",
                "mul f32",
                "reshape f32",
                "cast f16",
                "matmul f16",
                "cast f32",
            ]
        );
        let report = narrow.passes().iter().find(|report| report.pass == "convert_f16").unwrap();
        assert_eq!(report.changed, 5);
        assert!(nodes(&wide).iter().all(|node| node.ends_with("f32") && !node.starts_with("cast")));
        // Weights are halves, biases are not.
        for node in narrow.graph().nodes() {
            let types: Vec<_> = node.inputs.iter().map(|&id| narrow.graph()[id].dtype).collect();
            match node.op {
                Op::Conv2d { bias: true, .. } | Op::MatMul { bias: true, .. } => {
                    assert_eq!(types, [DType::F16, DType::F16, DType::F32]);
                }
                Op::Conv2d { .. } => assert!(types.iter().all(|&dtype| dtype == DType::F16)),
                _ => {}
            }
        }
        assert_eq!((narrow.inputs()[0].dtype, narrow.outputs()[0].dtype), (DType::F32, DType::F32));
        let (found, expected) = (run(&narrow, &x), run(&wide, &x));
        let apart = apart(&found, &expected);
        // Halves have eleven bits: nothing would be as close by accident, and nothing is equal.
        assert!(apart > 0.0 && apart < 5e-3, "{apart}");
    }
}

#[test]
fn what_f16_cannot_hold_stays_f32() {
    for context in contexts_for_numbers() {
        let graph = graph_of(&context, &[2, 3], |x| {
            let large = Tensor::from_slice(x.context(), &[1e5f32, 0.0, 0.0, 1.0, 1.0, 1.0], &[3, 2])?;
            x.matmul(&large)
        });
        let compiled = compiled(&graph, Precision::F16);
        assert_eq!(nodes(&compiled), ["matmul f32"]);
        let x = Tensor::from_slice(&context, &[1.0f32, 2.0, 3.0, -1.0, 0.0, 1.0], &[2, 3]).unwrap();
        assert_eq!(run(&compiled, &x), [100003.0, 5.0, -99999.0, 1.0]);
    }
}

#[test]
fn sizes_and_groups_of_f16_convolutions() {
    let mut cases = common::Cases::new();
    for context in contexts_for_numbers() {
        for (n, channels, out, groups, kernel, size) in [
            (1, 1, 1, 1, 1, [1, 1]),
            (3, 8, 8, 8, 3, [5, 17]),
            (2, 6, 9, 3, 5, [9, 8]),
            (2, 33, 17, 1, 3, [7, 9]),
        ] {
            let op = Conv2d { padding: [kernel / 2; 2], groups, ..Conv2d::default() };
            let (x, _) = random_tensor(&context, 5, &[n, channels, size[0], size[1]]);
            let graph = graph_of(&context, x.shape(), |x| {
                let weight = constant(x.context(), 1, &[out, channels / groups, kernel, kernel]);
                x.conv2d(&weight, Some(&constant(x.context(), 2, &[out])), &op)?
                    .unary(UnaryOp::LeakyRelu { slope: 0.1 })
            });
            let narrow = compiled(&graph, Precision::F16);
            assert_eq!(nodes(&narrow), ["cast f16", "conv2d f16", "cast f32"]);
            let apart = apart(&run(&narrow, &x), &run(&compiled(&graph, Precision::F32), &x));
            let close = if apart < 3e-3 { Ok(()) } else { Err(format!("{apart} apart")) };
            cases.check(format!("{:?} {channels} to {out} in {groups}", context.mode()), close);
        }
    }
    cases.finish();
}

#[test]
fn operands_of_f16_products_are_checked_where_nodes_are_made() {
    let context = common::context();
    let mut graph = Graph::new(&context);
    let [x, w] = [[2, 3], [3, 4]].map(|shape| graph.input("h", &shape, DType::F16));
    let [wide, bias] = [&[3, 4][..], &[4]].map(|shape| graph.input("f", shape, DType::F32));
    let [residual, half_bias] = [&[2, 4][..], &[4]].map(|shape| graph.input("r", shape, DType::F16));
    let fused = |bias, residual| Op::MatMul { op: MatMul::default(), bias, residual, activation: None };
    let y = graph.push("fits", fused(true, true), &[x, w, bias, residual]).unwrap();
    assert_eq!(graph[y].dtype, DType::F16);
    for (op, operands) in [
        (fused(false, false), vec![x, wide]),
        (fused(true, false), vec![x, w, half_bias]),
        (Op::Binary { op: BinaryOp::Add, activation: None }, vec![y, residual]),
        (Op::Unary(UnaryOp::Relu), vec![y]),
    ] {
        assert!(matches!(graph.push("does not", op, &operands), Err(Error::Node { .. })));
    }
    // The same rule where a graph is captured.
    let with_bias = |bias: DType| {
        capture(&context, &[("x", &[2, 3], DType::F16), ("b", &[4], bias)], |inputs| {
            let weight = constant(inputs[0].context(), 1, &[3, 4]).cast(DType::F16)?;
            let epilogue = Epilogue { bias: Some(&inputs[1]), residual: None, activation: None };
            Ok::<_, TensorError>(vec![(
                "y".into(),
                inputs[0]
                    .matmul_with(&weight, &MatMulCall::new(MatMul::default()).with_epilogue(epilogue))?,
            )])
        })
    };
    assert!(with_bias(DType::F32).is_ok());
    assert!(with_bias(DType::F16).is_err());
}

fn zoo_network(context: &Context, name: &str, shortcut: Shortcut) -> Network {
    let store = ParameterStore::new(context, 3);
    let options = zoo::Options::new([3, 32, 32], 10).shortcut(shortcut);
    let network = zoo::build(name, &store, options).unwrap();
    for (seed, entry) in store.entries().iter().enumerate() {
        if let Entry::Buffer(parameter) = entry {
            let shape = parameter.shape().to_vec();
            // Means near 0, lest every ReLU be shut and the logits be the last bias.
            let (low, high) =
                if parameter.path().ends_with("running_mean") { (-0.2, 0.2) } else { (0.5, 1.5) };
            let values = random(seed as u64, shape.iter().product(), low, high);
            parameter.set(Tensor::from_slice(context, &values, &shape).unwrap()).unwrap();
        }
    }
    network
}

#[test]
fn networks_of_the_zoo_answer_as_in_f32() {
    for context in contexts_for_numbers() {
        for (name, shortcut) in [("small_cnn", Shortcut::Projection), ("resnet20", Shortcut::Padding)] {
            let network = zoo_network(&context, name, shortcut);
            let (x, _) = random_tensor(&context, 5, &[3, 3, 32, 32]);
            let graph = capture(&context, &[("x", x.shape(), DType::F32)], |inputs| {
                let y = network.module.forward(&Var::constant(inputs[0].clone()), &Pass::eval())?;
                Ok::<_, tilewright::nn::Error>(vec![("y".into(), y.tensor().clone())])
            })
            .unwrap();
            let narrow = compiled(&graph, Precision::F16);
            let halves =
                nodes(&narrow).iter().filter(|node| *node == "conv2d f16" || *node == "matmul f16").count();
            assert_eq!(halves, if name == "small_cnn" { 3 } else { 20 }, "{name}");
            let (found, expected) = (run(&narrow, &x), run(&compiled(&graph, Precision::F32), &x));
            assert!(found[..10] != found[10..20], "two images have one answer");
            let apart = apart(&found, &expected);
            println!("{name} {:?}: {apart:.1e} of the largest logit", context.mode());
            assert!(apart > 0.0 && apart < 5e-3, "{name}: {apart}");
            let best = |logits: &[f32]| (0..10).max_by(|&a, &b| logits[a].total_cmp(&logits[b])).unwrap();
            for (found, expected) in found.chunks(10).zip(expected.chunks(10)) {
                assert_eq!(best(found), best(expected), "{name}");
            }
        }
    }
}

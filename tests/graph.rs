//! Capture, passes, plan and replay: what a graph computes is what eager execution computes, and a run makes nothing.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{close, context, contexts, random, random_tensor};
use tilewright::{
    Context, DType, ParameterStore, Pass, Tensor, Var,
    graph::{Compiled, Error, Graph, Model, Options, capture, passes},
    nn::Entry,
    ops::{AdaptiveAvgPool2d, BatchNorm, BinaryOp, Conv2d, MatMul, Op, Pool2d, SliceRange, UnaryOp},
    zoo::{self, Network, Shortcut},
};

type Build = dyn Fn(&[Tensor]) -> Result<Vec<Tensor>, tilewright::tensor::Error>;

fn graph_of(context: &Context, shapes: &[&[usize]], build: &Build) -> Graph {
    let names = ["a", "b", "c"];
    let inputs: Vec<_> = names.iter().zip(shapes).map(|(&name, &shape)| (name, shape, DType::F32)).collect();
    capture(context, &inputs, |inputs| {
        let outputs = build(inputs)?.into_iter().enumerate();
        Ok::<_, tilewright::tensor::Error>(outputs.map(|(at, y)| (format!("y{at}"), y)).collect())
    })
    .unwrap()
}

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

fn changed(compiled: &Compiled, pass: &str) -> usize {
    compiled.passes().iter().find(|report| report.pass == pass).unwrap().changed
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
        Ok(vec![y.matmul_with(&constant(context, 3, &[4, 7]), &op, None, None)?.add(&constant(
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
        graph.output("y", y);
        let compiled = Compiled::new(&graph, &Options::default()).unwrap();
        assert_eq!((ops(&compiled), changed(&compiled, "fold_constants")), (vec!["mul".to_owned()], 2));
        compiled.write(0, &[2.0f32; 12]).unwrap();
        compiled.execute().unwrap();
        let expected: Vec<f32> = (0..12).map(|at| 2.0 * values[at % 4 * 3 + at / 4].max(0.0)).collect();
        assert_eq!(compiled.read::<f32>(0).unwrap(), expected);
    }
}

#[test]
fn every_operation_of_the_vocabulary_can_be_captured() {
    let x: &[usize] = &[2, 6, 8, 7];
    let compiled = check(&[x, x], &|inputs| {
        let [a, b] = [&inputs[0], &inputs[1]];
        let pool = Pool2d { stride: [2, 2], padding: [1, 1], ..Pool2d::new([3, 3]) };
        Ok(vec![
            Tensor::concat(&[&a.max_pool2d_values(&pool)?, &b.avg_pool2d(&pool)?], 1)?,
            a.sum_pool2d(&pool)?,
            a.adaptive_avg_pool2d(AdaptiveAvgPool2d { output: [3, 2] })?,
            a.global_avg_pool2d()?.flatten(1)?.softmax(1)?,
            a.permute(&[3, 1, 0, 2])?,
            a.log_softmax(1)?,
            a.sub(b)?.mean(&[1, 3], true)?,
            a.slice(&[
                SliceRange::full(2),
                SliceRange::new(1, 5),
                SliceRange { start: 0, end: 8, step: 3 },
                SliceRange::full(7),
            ])?,
            a.pad(&[(0, 0), (0, 0), (1, 2), (3, 0)], -1.5)?,
            a.max(&[2], false)?.reshape(&[-1])?,
            a.argmax(&[1], false)?.cast(DType::F32)?,
            a.binary(BinaryOp::Maximum, b)?.unary(UnaryOp::Silu)?,
            a.reshape(&[12, 56])?.matmul(&b.reshape(&[56, 12])?)?,
        ])
    });
    assert_eq!(compiled.outputs().len(), 13);
}

fn zoo_network(context: &Context, name: &str, shortcut: Shortcut) -> Network {
    let store = ParameterStore::new(context, 3);
    let options = zoo::Options { image: [3, 32, 32], classes: 10, shortcut };
    let network = zoo::build(name, &store, options).unwrap();
    for (seed, entry) in store.entries().iter().enumerate() {
        if let Entry::Buffer(parameter) = entry {
            let shape = parameter.tensor().shape().to_vec();
            // Means near 0, lest every ReLU be shut and the logits be the last bias.
            let (low, high) =
                if parameter.path().ends_with("running_mean") { (-0.2, 0.2) } else { (0.5, 1.5) };
            let values = random(seed as u64, shape.iter().product(), low, high);
            parameter.set(Tensor::from_slice(context, &values, &shape).unwrap()).unwrap();
        }
    }
    network
}

fn zoo_graph(context: &Context, network: &Network, shape: &[usize]) -> Result<Graph, Error> {
    capture(context, &[("input", shape, DType::F32)], |inputs| {
        let y = network.module.forward(&Var::constant(inputs[0].clone()), &Pass::eval())?;
        Ok::<_, tilewright::nn::Error>(vec![("output".into(), y.tensor().clone())])
    })
}

#[test]
fn a_network_of_the_zoo_computes_what_it_computes_eagerly() {
    for context in contexts() {
        for (name, shortcut) in [
            ("small_cnn", Shortcut::Projection),
            ("resnet20", Shortcut::Projection),
            ("resnet20", Shortcut::Padding),
        ] {
            let network = zoo_network(&context, name, shortcut);
            let (x, _) = random_tensor(&context, 5, &[3, 3, 32, 32]);
            let expected = network.module.forward(&Var::constant(x.clone()), &Pass::eval()).unwrap();
            let compiled =
                Compiled::new(&zoo_graph(&context, &network, x.shape()).unwrap(), &Options::default())
                    .unwrap();
            let found = compiled.run(&[&x]).unwrap();
            close(
                &found[0].to_vec::<f32>().unwrap(),
                &expected.tensor().to_vec::<f32>().unwrap(),
                1e-5,
                1e-5,
            )
            .unwrap();
            assert_eq!(
                changed(&compiled, "fold_batch_norm"),
                if name == "small_cnn" {
                    2
                } else if shortcut == Shortcut::Padding {
                    19
                } else {
                    21
                }
            );
            let memory = compiled.plan().memory();
            assert!(memory.ratio() <= 1.15, "{name}: {memory:?}");
        }
    }
}

#[test]
fn a_run_makes_nothing() {
    let context = context();
    let network = zoo_network(&context, "resnet20", Shortcut::Projection);
    let compiled =
        Compiled::new(&zoo_graph(&context, &network, &[2, 3, 32, 32]).unwrap(), &Options::default()).unwrap();
    let made = || (context.memory().allocations, context.bind_groups_made(), context.pipeline_report().0);
    let run = |seed| {
        compiled.write(0, &random(seed, 2 * 3 * 32 * 32, -1.0, 1.0)).unwrap();
        compiled.execute().unwrap();
        context.synchronize().unwrap();
    };
    run(1);
    let (before, submissions) = (made(), context.submissions());
    for seed in 0..5 {
        run(seed);
    }
    assert_eq!(made(), before);
    assert_eq!(context.submissions() - submissions, 5, "one submission for each run");
    // Every convolution with its epilogue, two kernels of the pooling, the classifier: packing is not repeated.
    let launches: Vec<_> = compiled.plan().launches().collect();
    assert!(launches.iter().all(|(_, kernel)| !kernel.contains("pack")), "{launches:?}");
    assert!(compiled.plan().hoisted() >= 21);
}

#[test]
fn buffers_of_the_caller_are_read_and_written() {
    let context = context();
    let graph = graph_of(&context, &[&[4, 5]], &|inputs| Ok(vec![inputs[0].relu()?.scale(2.0)?]));
    let mut compiled = Compiled::new(&graph, &Options::default()).unwrap();
    let (x, values) = random_tensor(&context, 1, &[4, 5]);
    let y = Tensor::zeros(&context, &[4, 5]).unwrap();
    compiled.bind_input(0, x.buffer().clone()).unwrap();
    compiled.bind_output(0, y.buffer().clone()).unwrap();
    compiled.execute().unwrap();
    let expected: Vec<f32> = values.iter().map(|value| value.max(0.0) * 2.0).collect();
    assert_eq!(y.to_vec::<f32>().unwrap(), expected);
    assert_eq!(compiled.read::<f32>(0).unwrap(), expected);
    // A result may not lie where the input is still read, nor the input where the result goes.
    let error = compiled.bind_output(0, x.buffer().clone()).unwrap_err();
    assert!(error.to_string().contains("of its own"), "{error}");
    assert!(compiled.bind_input(0, y.buffer().clone()).is_err());
    compiled.execute().unwrap();
    assert_eq!(compiled.read::<f32>(0).unwrap(), expected);
    let small = Tensor::zeros(&context, &[2]).unwrap();
    for error in [
        compiled.bind_input(0, small.buffer().clone()).unwrap_err(),
        compiled.bind_output(1, x.buffer().clone()).unwrap_err(),
    ] {
        assert!(matches!(error, Error::Runtime(_)), "{error}");
    }
    // Another context's memory would be read as anything.
    let other = common::context();
    let foreign = Tensor::zeros(&other, &[4, 5]).unwrap();
    assert!(compiled.bind_input(0, foreign.buffer().clone()).is_err());
}

#[test]
fn inputs_and_constants_may_be_outputs() {
    for context in contexts() {
        let weight = constant(&context, 1, &[3]);
        let known = weight.to_vec::<f32>().unwrap();
        let graph = graph_of(&context, &[&[3]], &move |inputs| {
            let constant = weight.relu()?.scale(-1.0)?;
            Ok(vec![inputs[0].clone(), constant.clone(), inputs[0].add(&constant)?, constant])
        });
        let compiled = Compiled::new(&graph, &Options::default()).unwrap();
        let x = Tensor::from_slice(&context, &[1.0f32, 2.0, 3.0], &[3]).unwrap();
        let found: Vec<_> = compiled.run(&[&x]).unwrap().iter().map(|y| y.to_vec::<f32>().unwrap()).collect();
        let negative: Vec<f32> = known.iter().map(|value| -value.max(0.0)).collect();
        let sum: Vec<f32> = negative.iter().zip([1.0, 2.0, 3.0]).map(|(a, b)| a + b).collect();
        assert_eq!(found, [vec![1.0, 2.0, 3.0], negative.clone(), sum, negative]);
        // The output that is the input goes with it when another buffer is bound.
        let mut compiled = compiled;
        let other = Tensor::from_slice(&context, &[4.0f32, 5.0, 6.0], &[3]).unwrap();
        compiled.bind_input(0, other.buffer().clone()).unwrap();
        compiled.execute().unwrap();
        assert_eq!(compiled.read::<f32>(0).unwrap(), [4.0, 5.0, 6.0]);
    }
}

#[test]
fn a_model_plans_each_shape_once() {
    let context = context();
    let network = zoo_network(&context, "small_cnn", Shortcut::Projection);
    let expected = |x: &Tensor| {
        network
            .module
            .forward(&Var::constant(x.clone()), &Pass::eval())
            .unwrap()
            .tensor()
            .to_vec::<f32>()
            .unwrap()
    };
    let inputs: Vec<_> =
        [1, 4, 1, 2].map(|batch| random_tensor(&context, batch, &[batch as usize, 3, 32, 32]).0).into();
    let expected: Vec<_> = inputs.iter().map(expected).collect();
    let inner = context.clone();
    let model =
        Model::new(&context, Options::default(), 2, move |shapes| zoo_graph(&inner, &network, &shapes[0]));
    let mut first = None;
    for (at, (x, expected)) in inputs.iter().zip(&expected).enumerate() {
        let found = model.run(&[x]).unwrap();
        close(&found[0].to_vec::<f32>().unwrap(), expected, 1e-5, 1e-5).unwrap();
        assert_eq!(model.plans(), [1, 2, 2, 2][at]);
        // The first plan folds and packs the weights; the others read the same memory.
        let made = (model.constants().folded(), model.constants().packed().len());
        assert_eq!(*first.get_or_insert(made), made);
    }
    assert!(first.is_some_and(|(folded, packed)| folded >= 16 && packed >= 2), "{first:?}");
    let plans = [1, 2].map(|batch| model.plan(&[vec![batch, 3, 32, 32]]).unwrap());
    assert_eq!(model.plans(), 2);
    drop(plans);
}

#[test]
fn what_cannot_be_captured_is_an_error() {
    let context = context();
    let read = capture(&context, &[("x", &[4], DType::F32)], |inputs| {
        inputs[0].to_vec::<f32>()?;
        Ok::<_, tilewright::tensor::Error>(Vec::new())
    });
    let random = capture(&context, &[("x", &[4], DType::F32)], |inputs| {
        Ok::<_, tilewright::tensor::Error>(vec![(
            "y".into(),
            inputs[0].dropout(&tilewright::ops::Dropout { p: 0.5 }, 1, 2)?,
        )])
    });
    let training = capture(&context, &[("x", &[2, 3, 32, 32], DType::F32)], |inputs| {
        let network = zoo_network(&context, "small_cnn", Shortcut::Projection);
        let y = network.module.forward(&Var::constant(inputs[0].clone()), &Pass::train(1, 1))?;
        Ok::<_, tilewright::nn::Error>(vec![("y".into(), y.tensor().clone())])
    });
    for outcome in [read, random, training] {
        let error = outcome.unwrap_err();
        assert!(matches!(error, Error::Capture(_)), "{error}");
        assert!(error.to_string().contains("no contents"), "{error}");
    }
    let wrong = capture(&context, &[("x", &[4], DType::F32)], |inputs| {
        Ok::<_, tilewright::tensor::Error>(vec![("y".into(), inputs[0].permute(&[1])?)])
    });
    assert!(matches!(wrong, Err(Error::Capture(_))));
    let mut elsewhere = None;
    graph_of(&context, &[&[4]], &|_| Ok(Vec::new()));
    capture(&context, &[("x", &[4], DType::F32)], |inputs| {
        elsewhere = Some(inputs[0].clone());
        Ok::<_, tilewright::tensor::Error>(Vec::new())
    })
    .unwrap();
    let foreign = capture(&context, &[("x", &[4], DType::F32)], |_| {
        Ok::<_, tilewright::tensor::Error>(vec![("y".into(), elsewhere.unwrap())])
    });
    assert!(matches!(foreign, Err(Error::ForeignOutput { .. })));
}

#[test]
fn wrong_inputs_are_errors_that_name_them() {
    let context = context();
    let graph = graph_of(&context, &[&[2, 3], &[3]], &|inputs| Ok(vec![inputs[0].add(&inputs[1])?]));
    let compiled = Compiled::new(&graph, &Options::default()).unwrap();
    let (x, y) = (Tensor::zeros(&context, &[2, 3]).unwrap(), Tensor::zeros(&context, &[3]).unwrap());
    assert!(matches!(compiled.run(&[&x]).unwrap_err(), Error::InputCount { found: 1, expected: 2, .. }));
    assert!(compiled.run(&[&x, &x]).unwrap_err().to_string().contains("`b`"));
    assert!(matches!(compiled.write(0, &[1i32; 6]).unwrap_err(), Error::Input { .. }));
    assert!(matches!(compiled.write(0, &[1f32; 5]).unwrap_err(), Error::Input { .. }));
    assert!(matches!(compiled.write(2, &[1f32; 5]).unwrap_err(), Error::NoPort { at: 2, count: 2, .. }));
    assert!(matches!(compiled.read::<f32>(1).unwrap_err(), Error::NoPort { .. }));
    assert!(compiled.read::<i32>(0).is_err());
    compiled.run(&[&x, &y]).unwrap();
}

#[test]
fn nodes_that_do_not_fit_are_refused_when_they_are_made() {
    let context = context();
    let mut graph = Graph::new(&context);
    let x = graph.input("x", &[2, 3], DType::F32);
    let error = graph.push("first", Op::Permute(vec![0, 0]), &[x]).unwrap_err();
    assert!(error.to_string().contains("`first`"), "{error}");
    assert!(graph.push("none", Op::Concat { axis: 0 }, &[]).is_err());
    assert!(graph.push("two", Op::Unary(UnaryOp::Relu), &[x, x]).is_err());
    let whole = graph.input("whole", &[2, 3], DType::I32);
    assert!(graph.push("type", Op::Unary(UnaryOp::Relu), &[whole]).is_err());
    assert!(graph.nodes().is_empty());
}

#[test]
fn the_picture_and_the_table_name_every_node() {
    let context = context();
    let network = zoo_network(&context, "small_cnn", Shortcut::Projection);
    let graph = zoo_graph(&context, &network, &[1, 3, 32, 32]).unwrap();
    let (graph, _) = passes::optimize(&graph).unwrap();
    let (summary, dot) = (graph.summary().unwrap(), graph.dot().unwrap());
    let table = summary.to_string();
    for node in graph.nodes() {
        assert!(table.contains(&node.name) && dot.contains(&node.name), "{}", node.name);
    }
    let conv = &summary.nodes[0];
    // With the pooling behind it where that is part of it: four taps for each of a quarter of the pixels.
    let (extent, taps) = if conv.pool.is_some() { (16, 16 * 16 * 16 * 4) } else { (32, 0) };
    assert_eq!((conv.flops, &conv.output[..]), (2 * 16 * 32 * 32 * 27 + taps, &[1, 16, extent, extent][..]));
    assert_eq!(dot.matches("->").count(), graph.nodes().len() + 1);
}

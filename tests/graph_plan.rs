//! Compiled graphs: what a run makes and computes, whose buffers it uses, and what cannot be captured or compiled.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;
#[path = "common/graphs.rs"]
mod graphs;

use common::{close, context, contexts, random, random_tensor};
use graphs::{changed, graph_of};
use tilewright::{
    Context, DType, ParameterStore, Pass, Tensor, Var,
    graph::{Compiled, Error, Graph, Model, Options, capture, passes},
    nn::Entry,
    ops::{Op, Sgd, UnaryOp},
    tensor::ops::optimizer::sgd_step,
    zoo::{self, Network, Shortcut},
};

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
    let context = common::own_context();
    let network = zoo_network(&context, "resnet20", Shortcut::Projection);
    let compiled =
        Compiled::new(&zoo_graph(&context, &network, &[2, 3, 32, 32]).unwrap(), &Options::default()).unwrap();
    let mut session = compiled.session().unwrap();
    let made = || (context.memory().allocations, context.bind_groups_made(), context.pipeline_report().0);
    let mut run = |seed| {
        session.write(0, &random(seed, 2 * 3 * 32 * 32, -1.0, 1.0)).unwrap();
        session.execute().unwrap();
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
    let mut session = Compiled::new(&graph, &Options::default()).unwrap().session().unwrap();
    let (x, values) = random_tensor(&context, 1, &[4, 5]);
    let y = Tensor::zeros(&context, &[4, 5]).unwrap();
    session.bind_input(0, x.buffer().clone()).unwrap();
    session.bind_output(0, y.buffer().clone()).unwrap();
    session.execute().unwrap();
    let expected: Vec<f32> = values.iter().map(|value| value.max(0.0) * 2.0).collect();
    assert_eq!(y.to_vec::<f32>().unwrap(), expected);
    assert_eq!(session.read::<f32>(0).unwrap(), expected);
    // A result may not lie where the input is still read, nor the input where the result goes.
    let error = session.bind_output(0, x.buffer().clone()).unwrap_err();
    assert!(error.to_string().contains("of its own"), "{error}");
    assert!(session.bind_input(0, y.buffer().clone()).is_err());
    session.execute().unwrap();
    assert_eq!(session.read::<f32>(0).unwrap(), expected);
    let small = Tensor::zeros(&context, &[2]).unwrap();
    for error in [
        session.bind_input(0, small.buffer().clone()).unwrap_err(),
        session.bind_output(1, x.buffer().clone()).unwrap_err(),
    ] {
        assert!(matches!(error, Error::Runtime(_)), "{error}");
    }
    // Another context's memory would be read as anything.
    let other = common::own_context();
    let foreign = Tensor::zeros(&other, &[4, 5]).unwrap();
    assert!(session.bind_input(0, foreign.buffer().clone()).is_err());
}

#[test]
fn inputs_and_constants_may_be_outputs() {
    for context in contexts() {
        let weight = random_tensor(&context, 101, &[3]).0;
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
        let mut session = compiled.session().unwrap();
        let other = Tensor::from_slice(&context, &[4.0f32, 5.0, 6.0], &[3]).unwrap();
        session.bind_input(0, other.buffer().clone()).unwrap();
        session.execute().unwrap();
        assert_eq!(session.read::<f32>(0).unwrap(), [4.0, 5.0, 6.0]);
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
    let in_place = capture(&context, &[("x", &[4], DType::F32)], |inputs| {
        let parameter = Tensor::zeros(&context, &[4]).unwrap();
        sgd_step(&parameter, &inputs[0], None, true, &Sgd::default())?;
        Ok::<_, tilewright::tensor::Error>(Vec::new())
    });
    let training = capture(&context, &[("x", &[2, 3, 32, 32], DType::F32)], |inputs| {
        let network = zoo_network(&context, "small_cnn", Shortcut::Projection);
        let y = network.module.forward(&Var::constant(inputs[0].clone()), &Pass::train(1, 1))?;
        Ok::<_, tilewright::nn::Error>(vec![("y".into(), y.tensor().clone())])
    });
    for outcome in [read, in_place, training] {
        let error = outcome.unwrap_err();
        assert!(matches!(error, Error::Capture(_)), "{error}");
        assert!(error.to_string().contains("is symbolic"), "{error}");
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
    let mut session = compiled.session().unwrap();
    let (x, y) = (Tensor::zeros(&context, &[2, 3]).unwrap(), Tensor::zeros(&context, &[3]).unwrap());
    assert!(matches!(compiled.run(&[&x]).unwrap_err(), Error::InputCount { found: 1, expected: 2, .. }));
    assert!(compiled.run(&[&x, &x]).unwrap_err().to_string().contains("`b`"));
    assert!(matches!(session.write(0, &[1i32; 6]).unwrap_err(), Error::Input { .. }));
    assert!(matches!(session.write(0, &[1f32; 5]).unwrap_err(), Error::Input { .. }));
    assert!(matches!(session.write(2, &[1f32; 5]).unwrap_err(), Error::NoPort { at: 2, count: 2, .. }));
    assert!(matches!(session.read::<f32>(1).unwrap_err(), Error::NoPort { .. }));
    assert!(session.read::<i32>(0).is_err());
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
    assert!(graph.push("type", Op::Unary(UnaryOp::Exp), &[whole]).is_err());
    // A value of a larger graph.
    let mut other = Graph::new(&context);
    let foreign = [(); 4].map(|()| other.input("x", &[2, 3], DType::F32))[3];
    let error = graph.push("foreign", Op::Unary(UnaryOp::Relu), &[foreign]).unwrap_err();
    assert!(error.to_string().contains("`foreign`: operand 0"), "{error}");
    assert!(matches!(graph.output("y", foreign).unwrap_err(), Error::ForeignOutput { .. }));
    assert!(graph.nodes().is_empty() && graph.outputs().is_empty());
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

//! Layers' outputs by their paths.
#![allow(clippy::unwrap_used, missing_docs)]

use tilewright_autograd::Var;
use tilewright_graph::{Compiled, Options};
use tilewright_nn::{
    Error, INPUT, Layer, ParameterStore, Pass, Result, Scope, Sequential, Tap, Values, capture,
    capture_features, features, features_of,
    layers::{Activation, BatchNorm2d, Conv2d, Conv2dOptions, Flatten, Linear},
};
use tilewright_ops::{DType, UnaryOp};
use tilewright_runtime::Context;
use tilewright_tensor::Tensor;

/// A convolution with a BatchNorm and a fused ReLU, and a chain.
struct Network {
    conv1: Conv2d,
    bn1: BatchNorm2d,
    head: Sequential,
    tap: Tap,
}

impl Network {
    fn new(scope: &Scope) -> Result<Self> {
        let head = scope / "head";
        Ok(Self {
            conv1: Conv2d::new(&(scope / "conv1"), 2, 3, [3, 3], Conv2dOptions::default())?,
            bn1: BatchNorm2d::new(&(scope / "bn1"), 3)?,
            head: Sequential::under(&head)
                .then(Flatten)
                .then(Linear::new(&(&head / 1), 27, 5)?)
                .then(Activation(UnaryOp::Tanh))
                .then(Linear::new(&(&head / 3), 5, 2)?),
            tap: Tap::new(scope),
        })
    }
}

impl Layer for Network {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        let y = self.bn1.forward_relu(&self.conv1.forward(x, pass)?, pass)?;
        self.head.forward(&self.tap.give_as("relu", y, pass), pass)
    }
}

fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|at| ((at * 7919 % 101) as f32 - 50.0) / 25.0).collect()
}

fn made() -> (Context, ParameterStore, Network, Tensor) {
    let context = Context::new().unwrap();
    let store = ParameterStore::new(&context, 3);
    let network = Network::new(&store.root()).unwrap();
    let x = Tensor::from_slice(&context, &numbers(2 * 2 * 5 * 5), &[2, 2, 5, 5]).unwrap();
    (context, store, network, x)
}

const PATHS: [&str; 8] = ["conv1", "bn1", "relu", "head.0", "head.1.input", "head.2", "head", "output"];

#[test]
fn each_layer_gives_what_pytorchs_module_gives() {
    let (_, _, network, x) = made();
    let x = Var::constant(x);
    let found = features(&network, &PATHS, &x).unwrap();
    assert_eq!(found.names().collect::<Vec<_>>(), PATHS);
    let numbers = |name: &str| found.get(name).unwrap().tensor().to_vec::<f32>().unwrap();
    let same = |var: Var, name: &str| {
        assert_eq!(var.tensor().to_vec::<f32>().unwrap(), numbers(name), "{name}");
    };
    let pass = Pass::eval();
    let conv1 = network.conv1.forward(&x, &pass).unwrap();
    let bn1 = network.bn1.forward(&conv1, &pass).unwrap();
    let relu = network.bn1.forward_relu(&conv1, &pass).unwrap();
    assert!(bn1.tensor().to_vec::<f32>().unwrap().iter().any(|&number| number < 0.0));
    same(relu.flatten(1).unwrap(), "head.0");
    same(relu.flatten(1).unwrap(), "head.1.input");
    let y = network.forward(&x, &pass).unwrap();
    same(y.clone(), "output");
    same(y, "head");
    assert!(numbers("head.2").iter().all(|number| number.abs() < 1.0));
    same(relu, "relu");
    same(bn1, "bn1");
    same(conv1, "conv1");
}

#[test]
fn a_compiled_graph_gives_the_same() {
    let (_, store, network, x) = made();
    let inputs = [(INPUT, x.shape(), DType::F32)];
    let eager = features(&network, &PATHS, &Var::constant(x.clone())).unwrap();
    let graph = capture_features(&network, &store, &inputs, &PATHS).unwrap();
    let compiled = Compiled::new(&graph, &Options::default()).unwrap();
    let names: Vec<&str> = compiled.outputs().iter().map(|port| port.name.as_str()).collect();
    assert_eq!(names, PATHS);
    for ((name, eager), compiled) in eager.iter().zip(compiled.run(&[&x]).unwrap()) {
        assert_eq!(eager.shape(), compiled.shape(), "{name}");
        let pairs =
            eager.tensor().to_vec::<f32>().unwrap().into_iter().zip(compiled.to_vec::<f32>().unwrap());
        for (eager, compiled) in pairs {
            assert!((eager - compiled).abs() <= 1e-6 + 1e-5 * eager.abs(), "{name}: {eager} {compiled}");
        }
    }
    // What is behind the layers is left out.
    let nodes = |paths: &[&str]| {
        let graph = capture_features(&network, &store, &inputs, paths).unwrap();
        Compiled::new(&graph, &Options::default()).unwrap().graph().nodes().len()
    };
    let whole = capture(&network, &store, &inputs).unwrap();
    let whole = Compiled::new(&whole, &Options::default()).unwrap().graph().nodes().len();
    assert_eq!(nodes(&["output"]), whole);
    assert!(nodes(&["conv1"]) < whole);
}

#[test]
fn gradients_reach_layers_within() {
    let (_, store, network, x) = made();
    let inputs = Values::new().with(INPUT, Var::constant(x));
    let (outputs, found) = features_of(&network, &["head.1"], &inputs, Pass::train(0, 0)).unwrap();
    assert_eq!(outputs.only().unwrap().shape(), [2, 2]);
    let loss = found.get("head.1").unwrap().sum(&[0, 1], false).unwrap();
    let gradients = loss.backward().unwrap();
    let gradient = |path: &str| gradients.get_id(store.parameter(path).unwrap().id()).is_some();
    assert!(gradient("conv1.weight") && gradient("head.1.weight") && !gradient("head.3.weight"));
}

#[test]
fn an_unknown_path_is_answered_by_those_near_it() {
    let (_, store, network, x) = made();
    let inputs = [(INPUT, x.shape(), DType::F32)];
    let x = Var::constant(x.clone());
    let Err(Error::UnknownPath { path, near }) = features(&network, &["conv1", "head.7"], &x) else {
        panic!("it is not there")
    };
    assert!(path == "head.7" && near.contains("head.1") && near.contains("head.3"), "{near}");
    let error = capture_features(&network, &store, &inputs, &["bn"]).unwrap_err();
    assert!(matches!(&error, Error::UnknownPath { near, .. } if near.contains("bn1")), "{error}");
}

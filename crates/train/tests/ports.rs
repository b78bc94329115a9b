//! A module with two inputs and two outputs: trained, captured, saved and loaded again.
#![allow(clippy::unwrap_used, missing_docs)]

use std::{collections::HashMap, sync::Arc};

use tilewright_autograd::Var;
use tilewright_graph::{Compiled, Options as GraphOptions};
use tilewright_nn::{
    Error, HostTensor, Layer, Module, ParameterStore, Pass, Port, Result as NnResult, Scope, StateDict,
    StateFile, Values, capture,
    layers::{Conv2d, Conv2dOptions, Linear},
    optim::{Schedule, Sgd},
};
use tilewright_ops::{self as ops, CrossEntropy, DType};
use tilewright_runtime::Context;
use tilewright_train::{Batch, Batches, Options, Result, Source, Task, Trainer};

/// Embeds two images by one set of weights; says how alike they are, and what the left one shows.
struct Siamese {
    conv: Conv2d,
    embed: Linear,
    class: Linear,
}

const SIDE: usize = 6;
const FEATURES: usize = 8;

impl Siamese {
    fn new(scope: &Scope) -> NnResult<Self> {
        Ok(Self {
            conv: Conv2d::new(&(scope / "conv"), 1, 4, [3, 3], Conv2dOptions::default())?,
            embed: Linear::new(&(scope / "embed"), 4 * (SIDE - 2) * (SIDE - 2), FEATURES)?,
            class: Linear::new(&(scope / "class"), FEATURES, 2)?,
        })
    }

    fn embed(&self, x: &Var, pass: &Pass) -> NnResult<Var> {
        self.embed.forward(&self.conv.forward(x, pass)?.relu()?.flatten(1)?, pass)
    }
}

impl Module for Siamese {
    fn inputs(&self) -> Vec<Port> {
        vec![Port::required("left"), Port::required("right"), Port::optional("scale")]
    }

    fn outputs(&self) -> Vec<Port> {
        vec![Port::required("distance"), Port::required("class")]
    }

    fn compute(&self, inputs: &Values, pass: &Pass) -> NnResult<Values> {
        let left = self.embed(inputs.get("left")?, pass)?;
        let difference = left.sub(&self.embed(inputs.get("right")?, pass)?)?;
        let mut distance = difference.mul(&difference)?.mean(&[1], true)?;
        if let Some(scale) = inputs.find("scale") {
            distance = distance.mul(scale)?;
        }
        Ok([("distance", distance), ("class", self.class.forward(&left, pass)?)].into())
    }
}

/// Images that are bright above (class 0) or below (class 1), in pairs of one class or of both.
struct Pairs;

fn image(seed: u64, class: usize) -> impl Iterator<Item = f32> {
    (0..SIDE * SIDE).map(move |pixel| {
        let noise = ((seed * 131 + pixel as u64 * 71) % 97) as f32 / 97.0 - 0.5;
        noise + if (pixel / SIDE < SIDE / 2) == (class == 0) { 1.0 } else { -1.0 }
    })
}

const PAIRS: usize = 16;

impl Source for Pairs {
    fn batches(&self) -> u64 {
        10
    }

    fn samples(&self) -> u64 {
        10 * PAIRS as u64
    }

    fn epoch(&self, epoch: u64, first: u64) -> Result<Batches<'_>> {
        Ok(Box::new((first..10).map(move |batch| {
            let (mut left, mut right, mut apart, mut classes) = (vec![], vec![], vec![], vec![]);
            for pair in 0..PAIRS {
                let seed = (epoch * 10 + batch) * PAIRS as u64 + pair as u64;
                let (a, b) = (pair % 2, pair / 2 % 2);
                left.extend(image(2 * seed, a));
                right.extend(image(2 * seed + 1, b));
                apart.push(if a == b { 0.0 } else { 1.0 });
                classes.push(a as i64);
            }
            let shape = vec![PAIRS, 1, SIDE, SIDE];
            Ok(Batch::new(PAIRS)
                .input("left", HostTensor::F32(left, shape.clone()))
                .input("right", HostTensor::F32(right, shape))
                .target("apart", HostTensor::F32(apart, vec![PAIRS, 1]))
                .target("class", HostTensor::I64(classes, vec![PAIRS])))
        })))
    }
}

struct Both;

impl Task for Both {
    fn loss(&self, outputs: &Values, targets: &Values) -> Result<Var> {
        let labels = targets.get("class")?.tensor();
        let class = outputs.get("class")?.cross_entropy(labels, None, &CrossEntropy::default())?;
        let error = outputs.get("distance")?.sub(targets.get("apart")?)?;
        Ok(error.mul(&error)?.mean(&[0, 1], false)?.add(&class)?)
    }
}

fn inputs(context: &Context) -> Values {
    let batch = Pairs.epoch(9, 3).unwrap().next().unwrap().unwrap();
    let upload =
        |(name, value): &(_, HostTensor)| (Clone::clone(name), value.upload(context, "input").unwrap());
    batch
        .inputs
        .iter()
        .map(upload)
        .map(|(name, x): (tilewright_nn::Name, _)| (name, Var::constant(x)))
        .collect()
}

fn numbers(outputs: &Values) -> HashMap<String, Vec<f32>> {
    outputs.iter().map(|(name, value)| (name.to_owned(), value.tensor().to_vec().unwrap())).collect()
}

#[test]
fn two_inputs_and_two_outputs_train_compile_save_and_load() {
    let context = Context::new().unwrap();
    let store = ParameterStore::new(&context, 3);
    let network = Siamese::new(&store.root()).unwrap();
    let optimizer = Sgd::new(store.parameters(), ops::Sgd { momentum: 0.9, ..Default::default() }).unwrap();
    let (schedule, options) = (Schedule::Constant { lr: 0.03 }, Options { epochs: 3, ..Options::default() });
    let mut trainer = Trainer::new(&network, &store, &Both, Box::new(optimizer), schedule, options).unwrap();
    trainer.run(&Pairs, Some(&Pairs), &mut []).unwrap();
    let losses: Vec<_> = trainer.records().iter().map(|record| record.train.loss).collect();
    assert!(losses[2] < 0.5 * losses[0], "{losses:?}");
    assert!(trainer.records()[2].test.as_ref().unwrap().loss < losses[1], "{losses:?}");

    // A plan has the ports' names, and gives the eager numbers.
    let values = inputs(&context);
    let eager = numbers(&network.call(&values, &Pass::eval()).unwrap());
    let shape = [PAIRS, 1, SIDE, SIDE];
    let graph =
        capture(&network, &store, &[("left", &shape, DType::F32), ("right", &shape, DType::F32)]).unwrap();
    let compiled = Compiled::new(&graph, &GraphOptions::default()).unwrap();
    let names = |ports: &[tilewright_graph::Port]| -> Vec<String> {
        ports.iter().map(|port| port.name.clone()).collect()
    };
    assert_eq!(names(compiled.inputs()), ["left", "right"]);
    assert_eq!(names(compiled.outputs()), ["distance", "class"]);
    assert!(graph.nodes().iter().any(|node| node.name == "conv"), "layers are named after their paths");
    let given: Vec<_> = ["left", "right"].map(|name| values.get(name).unwrap().tensor().clone()).into();
    let outputs = compiled.run(&given.iter().collect::<Vec<_>>()).unwrap();
    for (port, output) in compiled.outputs().iter().zip(outputs) {
        for (planned, eager) in output.to_vec::<f32>().unwrap().into_iter().zip(&eager[&port.name]) {
            assert!((planned - eager).abs() < 1e-5 + 1e-5 * eager.abs(), "{}: {planned}, {eager}", port.name);
        }
    }

    // Saved and loaded, it is the same network to the bit.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("siamese.safetensors");
    StateDict::of(&store).unwrap().write(&path).unwrap();
    let loaded = ParameterStore::from_state(&context, 77, Arc::new(StateFile::open(&path).unwrap()));
    let again = Siamese::new(&loaded.root()).unwrap();
    assert_eq!(loaded.finish_loading().unwrap().loaded.len(), 6);
    assert_eq!(numbers(&again.call(&values, &Pass::eval()).unwrap()), eager);
}

#[test]
fn names_that_do_not_fit_are_errors() {
    let context = Context::new().unwrap();
    let store = ParameterStore::new(&context, 3);
    let network = Siamese::new(&store.root()).unwrap();
    let values = inputs(&context);
    let left = values.get("left").unwrap();
    let refused = |values: Values, parts: &[&str]| {
        let error = network.call(&values, &Pass::eval()).unwrap_err();
        assert!(matches!(error, Error::Ports { what: "input", .. }), "{error}");
        parts.iter().for_each(|part| assert!(error.to_string().contains(part), "{part}: {error}"));
    };
    refused([("left", left.clone())].into(), &["`right` is missing", "left, right, scale (optional)"]);
    // A misspelt optional input is not passed over.
    refused(values.clone().with("scales", left.clone()), &["`scales`"]);
    let shape = [1, 1, SIDE, SIDE];
    let error = capture(&network, &store, &[("left", &shape, DType::F32)]).unwrap_err();
    assert!(matches!(error, Error::Ports { .. }), "{error}");
    let module: &dyn Module = &network;
    assert!(matches!(module.forward(left, &Pass::eval()), Err(Error::NotOne { .. })));
    assert!(matches!(values.get("centre"), Err(Error::MissingValue { .. })));
    assert!(matches!(values.only(), Err(Error::NotOne { .. })));
    // A layer is a module with one of each.
    let layer: &dyn Module = &network.class;
    assert_eq!(
        (layer.inputs(), layer.outputs()),
        (vec![Port::required("input")], vec![Port::required("output")])
    );
}

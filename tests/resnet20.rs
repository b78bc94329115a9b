//! ResNet-20 on the device against PyTorch: inference, the gradient of every parameter, twenty steps of training.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::collections::BTreeMap;

use common::{close, context, contexts_for_numbers};
use tilewright::{
    Context, ParameterStore, Pass, Tensor, Var,
    nn::{
        HostTensor, StateDict,
        optim::{Optimizer, Sgd},
    },
    ops::{self, CrossEntropy},
    zoo::{Network, Options, Shortcut, build},
};
use tilewright_reference::{
    compare::relative_error,
    golden::{self, Case},
};

fn case(name: &str) -> Case {
    golden::family("resnet20").unwrap().into_iter().find(|case| case.name == name).unwrap()
}

fn weights() -> StateDict {
    StateDict::read(&golden::directory().join("resnet20_weights.safetensors")).unwrap()
}

fn network(context: &Context) -> Network {
    let store = ParameterStore::new(context, 1);
    let network = build("resnet20", &store, Options::new([3, 32, 32], 10)).unwrap();
    let report = weights().load_into(&store, "PyTorch's state dict").unwrap();
    assert!(report.is_clean() && report.loaded.len() > 120, "{report}");
    network
}

fn with_prefix<'a>(case: &'a Case, prefix: &str) -> BTreeMap<String, &'a [f32]> {
    let roles = case.tensors.keys().filter_map(|role| Some((role, role.strip_prefix(prefix)?)));
    roles.map(|(role, name)| (name.to_owned(), case.f32(role).unwrap().0)).collect()
}

fn state(network: &Network) -> BTreeMap<String, Vec<f32>> {
    let values = StateDict::of(&network.store).unwrap().tensors.into_iter();
    let floats = values.filter_map(|(name, tensor)| match tensor {
        HostTensor::F32(values, _) => Some((name, values)),
        HostTensor::I64(..) => None,
    });
    floats.collect()
}

#[test]
fn inference_is_pytorchs() {
    let case = case("eval");
    let (images, shape) = case.images("x").unwrap();
    for context in contexts_for_numbers() {
        let x = Var::constant(Tensor::from_slice(&context, &images, shape).unwrap());
        let logits = network(&context).module.forward(&x, &Pass::eval()).unwrap();
        close(&logits.tensor().to_vec().unwrap(), case.f32("logits").unwrap().0, 1e-5, 2e-5).unwrap();
    }
}

#[test]
fn every_parameter_gradient_is_pytorchs() {
    let case = case("gradients");
    let (images, shape) = case.images("x").unwrap();
    for context in contexts_for_numbers() {
        let network = network(&context);
        let x = Var::constant(Tensor::from_slice(&context, &images, shape).unwrap());
        let labels = Tensor::from_slice(&context, case.i32("target").unwrap().0, &[shape[0]]).unwrap();
        let logits = network.module.forward(&x, &Pass::train(0, 0)).unwrap();
        let loss = logits.cross_entropy(&labels, None, &CrossEntropy::default()).unwrap();
        close(&[loss.tensor().item().unwrap()], case.f32("loss").unwrap().0, 1e-5, 0.0).unwrap();
        let gradients = loss.backward().unwrap();
        let expected = with_prefix(&case, "grad/");
        let parameters = network.store.parameters();
        assert_eq!(expected.len(), parameters.len());
        for parameter in parameters {
            let gradient = gradients.get_id(parameter.id()).unwrap().to_vec::<f32>().unwrap();
            let error = relative_error(&gradient, expected[parameter.path()]);
            assert!(error < 1e-4, "{}: {error:e}", parameter.path());
        }
        let now = state(&network);
        for (name, expected) in with_prefix(&case, "state/") {
            close(&now[&name], expected, 1e-5, 1e-5).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }
}

#[test]
fn twenty_training_steps_are_pytorchs() {
    let case = case("training");
    let number = |name: &str| case.number(name).unwrap() as f32;
    let lr = number("lr");
    let op = ops::Sgd {
        lr,
        momentum: number("momentum"),
        weight_decay: number("weight_decay"),
        ..ops::Sgd::default()
    };
    let ((images, shape), (labels, _)) = (case.images("x").unwrap(), case.i32("target").unwrap());
    let [steps, batch, channels, height, width]: [usize; 5] = shape.try_into().unwrap();
    let context = context();
    let network = network(&context);
    let initial = state(&network);
    let mut optimizer = Sgd::new(network.store.parameters(), op).unwrap();
    let mut losses = Vec::new();
    for (step, (images, labels)) in
        images.chunks_exact(images.len() / steps).zip(labels.chunks_exact(batch)).enumerate()
    {
        let x = Tensor::from_slice(&context, images, &[batch, channels, height, width]).unwrap();
        let labels = Tensor::from_slice(&context, labels, &[batch]).unwrap();
        let logits = network.module.forward(&Var::constant(x), &Pass::train(0, step as u64)).unwrap();
        let loss = logits.cross_entropy(&labels, None, &CrossEntropy::default()).unwrap();
        let mut gradients = loss.backward().unwrap();
        optimizer.step(&mut gradients, lr).unwrap();
        losses.push(loss.tensor().item().unwrap());
    }
    close(&losses, case.f32("losses").unwrap().0, 1e-3, 0.0).unwrap();
    let (now, expected) = (state(&network), with_prefix(&case, "state/"));
    assert!(expected.len() > 100, "{} tensors", expected.len());
    for (name, expected) in expected {
        let error = relative_error(&now[&name], expected);
        assert!(error < 1e-3, "{name}: {error:e}");
        // What was learned is small beside what was there: compare it alone, or a wrong optimizer could pass.
        let learned =
            |new: &[f32]| -> Vec<f32> { new.iter().zip(&initial[&name]).map(|(a, b)| a - b).collect() };
        let error = relative_error(&learned(&now[&name]), &learned(expected));
        assert!(error < 2e-2, "what {name} learned: {error:e}");
    }
}

#[test]
fn a_state_dict_survives_the_way_through_a_file() {
    let context = context();
    let network = network(&context);
    let folder = std::env::temp_dir().join(format!("tilewright-state-{}", std::process::id()));
    let path = folder.join("a.safetensors");
    let saved = StateDict::of(&network.store).unwrap();
    saved.write(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(StateDict::read(&path).unwrap(), saved);
    saved.write(&path).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), bytes, "the same contents give the same bytes");
    // PyTorch's own file has the same names, and the same numbers.
    let theirs = weights();
    assert_eq!(theirs.tensors.keys().collect::<Vec<_>>(), saved.tensors.keys().collect::<Vec<_>>());
    assert_eq!(theirs.tensors["layer2.0.downsample.0.weight"], saved.tensors["layer2.0.downsample.0.weight"]);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_load_report_names_what_does_not_fit_and_changes_nothing() {
    let context = context();
    let network = network(&context);
    let before = state(&network);
    let mut wrong = weights();
    wrong.tensors.remove("fc.bias");
    wrong.tensors.insert("head.weight".to_owned(), HostTensor::F32(vec![0.0], vec![1]));
    wrong.tensors.insert("bn1.weight".to_owned(), HostTensor::F32(vec![0.0; 3], vec![3]));
    let error = wrong.load_into(&network.store, "wrong.safetensors").unwrap_err().to_string();
    for part in
        ["wrong.safetensors", "missing: fc.bias", "unexpected: head.weight", "bn1.weight", "[3]", "[16]"]
    {
        assert!(error.contains(part), "`{part}` is not in: {error}");
    }
    assert_eq!(state(&network), before);
    let report = wrong.load_matching(&network.store).unwrap();
    assert_eq!((report.missing.len(), report.unexpected.len(), report.misshaped.len()), (1, 1, 1));
}

#[test]
fn the_papers_shortcuts_have_no_parameters() {
    let context = context();
    let count = |shortcut| {
        let store = ParameterStore::new(&context, 1);
        let options = Options::new([3, 32, 32], 10).shortcut(shortcut);
        let network = build("resnet20", &store, options).unwrap();
        let x = Var::constant(Tensor::ones(&context, &[2, 3, 32, 32]).unwrap());
        let logits = network.module.forward(&x, &Pass::train(0, 0)).unwrap();
        assert_eq!(logits.shape(), [2, 10]);
        let gradients = logits.sum(&[], false).unwrap().backward().unwrap();
        assert_eq!(gradients.len(), store.parameters().len());
        store.parameter_count()
    };
    // 0.27 million either way: He et al., table 6.
    assert_eq!(count(Shortcut::Padding), 269_722);
    assert_eq!(count(Shortcut::Projection), 272_474);
}

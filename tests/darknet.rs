//! Darknet's networks against Darknet and OpenCV (tests/darknet, made by scripts/darknet.sh), and what is ours: training, state
//! dicts, compiled inference.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
};

use tilewright::{
    Context, Module, ParameterStore, Pass, Tensor, Values, Var,
    darknet::{Extent, Header, Kind, Network, Weights},
    data::picture::{Letterbox, Picture},
    graph::{Compiled, Options},
    nn::{HostTensor, INPUT, StateDict},
    ops::{DType, UnaryOp},
    zoo::{self, Darknet, Detection, darknet_network, darknet_state, darknet_weights, keep_boxes},
};

use common::{Cases, close, context, contexts_for_numbers, random_tensor};

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/darknet").join(name)
}

/// A network of the folder, its module and its parameters, loaded.
fn small(context: &Context, name: &str) -> (Network, ParameterStore, Darknet) {
    let network = Network::read(&path(&format!("{name}.cfg"))).unwrap();
    let store = ParameterStore::new(context, 0);
    let module = Darknet::new(&store.root(), &network).unwrap();
    let weights = Weights::read(&path(&format!("{name}.weights")), &network, Extent::Whole).unwrap();
    darknet_state(&network, weights).load_into(&store, name).unwrap();
    (network, store, module)
}

fn numbers(tensor: &HostTensor) -> (&[f32], &[usize]) {
    match tensor {
        HostTensor::F32(values, shape) => (values, shape),
        HostTensor::I64(..) => panic!("whole numbers"),
    }
}

fn near(actual: &[f32], expected: &[f32]) -> Result<(), String> {
    // What the engine does not say is not compared.
    let (actual, expected): (Vec<f32>, Vec<f32>) =
        actual.iter().zip(expected).filter(|(_, expected)| !expected.is_nan()).unzip();
    let largest = expected.iter().fold(0.0, |largest: f32, x| largest.max(x.abs()));
    close(&actual, &expected, 1e-5, 2e-6 * f64::from(largest))
}

const SMALL: [&str; 3] = ["small_v3", "small_v4", "small_classifier"];

#[test]
fn outputs_are_those_of_the_engines() {
    let mut table = Cases::new();
    for context in contexts_for_numbers() {
        for name in SMALL {
            let (_, store, module) = small(&context, name);
            let golden = StateDict::read(&path(&format!("{name}.safetensors"))).unwrap();
            let (values, shape) = numbers(&golden.tensors["input"]);
            let x = Tensor::from_slice(&context, values, shape).unwrap();
            let eager =
                module.call(&Values::new().with(INPUT, Var::constant(x.clone())), &Pass::eval()).unwrap();
            let graph = tilewright::nn::capture(&module, &store, &[(INPUT, shape, DType::F32)]).unwrap();
            let ports: Vec<String> = module.outputs().iter().map(|port| port.name.to_string()).collect();
            let compiled = Compiled::new(&graph, &Options::default()).unwrap();
            // The batch normalisations are folded into their convolutions.
            let left: Vec<_> = compiled.graph().nodes().iter().map(|node| node.op.name()).collect();
            assert!(left.contains(&"conv2d") && !left.contains(&"batch_norm"), "{left:?}");
            let compiled = compiled.run(&[&x]).unwrap();
            for (port, compiled) in ports.iter().zip(compiled) {
                let (expected, shape) = numbers(&golden.tensors[port]);
                let found = eager.get(port).unwrap().tensor();
                assert_eq!(found.shape(), shape, "{name} {port}");
                table.check(format!("{name} {port}"), near(&found.to_vec().unwrap(), expected));
                table.check(format!("{name} {port} compiled"), near(&compiled.to_vec().unwrap(), expected));
            }
            assert_eq!(golden.tensors.len(), 1 + ports.len());
        }
    }
    table.finish();
}

#[test]
fn files_come_back_as_they_were() {
    for name in SMALL {
        let (network, store, _) = small(&context(), name);
        let bytes = fs::read(path(&format!("{name}.weights"))).unwrap();
        let header = Header { version: [0, 2, 5], seen: 0 };
        let state = StateDict::of(&store).unwrap();
        assert_eq!(darknet_weights(&network, &state, header).unwrap().to_bytes().unwrap(), bytes, "{name}");
    }
    let (network, store, _) = small(&context(), "small_v3");
    let mut state = StateDict::of(&store).unwrap();
    state.tensors.remove("layers.0.norm.bias");
    let error = darknet_weights(&network, &state, Header::default()).unwrap_err().to_string();
    assert!(error.contains("layers.0.norm.bias"), "{error}");
}

/// A file of the first layers alone fills those, and says where it ends.
#[test]
fn a_cut_file_starts_a_transfer() {
    let folder = tempfile::tempdir().unwrap();
    let network = Network::read(&path("small_v3.cfg")).unwrap();
    let whole = Weights::read(&path("small_v3.weights"), &network, Extent::Whole).unwrap();
    let first = Weights {
        arrays: whole.arrays.iter().filter(|(array, _)| array.layer < 8).cloned().collect(),
        ..whole.clone()
    };
    let cut = folder.path().join("small.conv.8");
    fs::write(&cut, first.to_bytes().unwrap()).unwrap();
    assert!(Weights::read(&cut, &network, Extent::Whole).unwrap_err().to_string().contains("before layer 8"));
    let read = Weights::read(&cut, &network, Extent::FirstLayers).unwrap();
    assert_eq!(read.layers, 8);
    let store = ParameterStore::new(&context(), 3);
    Darknet::new(&store.root(), &network).unwrap();
    let report = darknet_state(&network, read).load_matching(&store).unwrap();
    assert!(report.missing.iter().all(|name| !name.starts_with("layers.4.")), "{report}");
    assert!(report.missing.contains(&"layers.8.conv.weight".to_owned()) && report.unexpected.is_empty());
}

/// Darknet's normalisation in training, computed on the host: the divisor n − 1, 1e-6 beside the root, a hundredth of the batch.
#[test]
fn training_normalises_as_darknet() {
    let text = "[net]\nwidth=3\nheight=2\nchannels=2\n[convolutional]\nbatch_normalize=1\nfilters=2\nactivation=linear\n";
    let network = Network::parse(text, "a.cfg").unwrap();
    let context = context();
    let store = ParameterStore::new(&context, 0);
    let module = Darknet::new(&store.root(), &network).unwrap();
    let set = |path: &str, values: &[f32]| {
        let parameter = store.parameter(path).unwrap();
        parameter.set(Tensor::from_slice(&context, values, parameter.shape()).unwrap()).unwrap();
    };
    // The second channel spreads as little as what is added.
    set("layers.0.conv.weight", &[1.0, 0.0, 0.0, 1e-6]);
    set("layers.0.norm.weight", &[2.0, 3.0]);
    set("layers.0.norm.bias", &[0.5, -1.0]);
    let (x, values) = random_tensor(&context, 4, &[2, 2, 2, 3]);
    let inputs = Values::new().with(INPUT, Var::constant(x));
    let y = module.call(&inputs, &Pass::train(0, 0)).unwrap();
    let found = y.only().unwrap().tensor().to_vec::<f32>().unwrap();
    let mut expected = vec![0f32; 24];
    let (mut means, mut variances) = (Vec::new(), Vec::new());
    for (channel, (factor, weight, bias)) in [(1.0, 2.0, 0.5), (1e-6, 3.0, -1.0)].into_iter().enumerate() {
        let places: Vec<usize> = (0..24).filter(|at| at / 6 % 2 == channel).collect();
        let of = |at: &usize| f64::from(values[*at]) * factor;
        let mean = places.iter().map(of).sum::<f64>() / 12.0;
        let variance = places.iter().map(|at| (of(at) - mean).powi(2)).sum::<f64>() / 11.0;
        for at in &places {
            expected[*at] = (weight * (of(at) - mean) / (variance.sqrt() + 1e-6) + bias) as f32;
        }
        means.push((0.01 * mean) as f32);
        variances.push((0.99 + 0.01 * variance) as f32);
    }
    close(&found, &expected, 1e-4, 1e-5).unwrap();
    let state = StateDict::of(&store).unwrap();
    close(numbers(&state.tensors["layers.0.norm.running_mean"]).0, &means, 1e-5, 1e-9).unwrap();
    close(numbers(&state.tensors["layers.0.norm.running_var"]).0, &variances, 1e-6, 0.0).unwrap();
    assert_eq!(state.tensors["seen"], HostTensor::I64(vec![2], vec![]));
    // One number has no spread with that divisor.
    let one = Values::new().with(INPUT, Var::constant(Tensor::ones(&context, &[1, 2, 1, 1]).unwrap()));
    let error = module.call(&one, &Pass::train(0, 0)).unwrap_err().to_string();
    assert!(error.contains("layers.0.norm") && error.contains("more images"), "{error}");
}

/// The same module learns: every parameter has a gradient, and a step along them lowers what is wrong.
#[test]
fn a_network_learns() {
    let context = context();
    let (_, store, module) = small(&context, "small_v4");
    let (x, _) = random_tensor(&context, 9, &[2, 3, 32, 64]);
    let inputs = Values::new().with(INPUT, Var::constant(x));
    let loss = || {
        let outputs = module.call(&inputs, &Pass::train(0, 0)).unwrap();
        assert!(outputs.find(zoo::BOXES).is_none(), "boxes are for evaluation");
        let map = outputs.get("yolo_9").unwrap();
        map.mul(map).unwrap().mean(&[], false).unwrap()
    };
    let before = loss();
    let gradients = before.backward().unwrap();
    let mut norm = 0.0;
    for parameter in store.parameters() {
        let gradient =
            gradients.get_id(parameter.id()).unwrap_or_else(|| panic!("{parameter:?} has no gradient"));
        let values = gradient.to_vec::<f32>().unwrap();
        assert!(values.iter().all(|x| x.is_finite()), "{parameter:?}");
        norm += values.iter().map(|x| x * x).sum::<f32>();
        parameter
            .set(
                parameter
                    .tensor()
                    .unwrap()
                    .sub(&gradient.unary(UnaryOp::MulScalar { value: 0.01 }).unwrap())
                    .unwrap(),
            )
            .unwrap();
    }
    let (before, after) = (before.tensor().item().unwrap(), loss().tensor().item().unwrap());
    // To first order it falls by the step times the squared norm.
    let expected = 0.01 * norm;
    let fell = before - after;
    assert!(
        (0.5 * expected..1.5 * expected).contains(&fell),
        "{before} → {after}, expected to fall by {expected}"
    );
}

/// The built-in descriptions: layers, heads and sizes as they are published.
#[test]
fn networks_by_name_have_the_published_sizes() {
    for (name, layers, heads, parameters) in [
        ("yolov3", 107, vec![82, 94, 106], 62_001_757),
        ("yolov3_tiny", 24, vec![16, 23], 8_858_734),
        ("yolov4_tiny", 38, vec![30, 37], 6_062_814),
    ] {
        let network = darknet_network(name, [3, 416, 416], 80).unwrap();
        assert_eq!(network.layers.len(), layers, "{name}");
        assert_eq!(network.heads().map(|(at, _)| at).collect::<Vec<_>>(), heads, "{name}");
        // A file also holds a mean and a variance for each normalised channel.
        let all = tilewright::darknet::arrays(&network);
        let count = |kept: &[bool]| -> usize {
            all.iter().zip(kept).filter(|(_, kept)| **kept).map(|(a, _)| a.count()).sum()
        };
        let everything = count(&vec![true; all.len()]);
        let kept: Vec<bool> =
            all.iter().map(|array| !["means", "variances"].contains(&array.part.name())).collect();
        assert_eq!(count(&kept), {
            let store = ParameterStore::shapes_only(&context());
            Darknet::new(&store.root(), &network).unwrap();
            store.parameter_count()
        });
        assert_eq!(everything, parameters, "{name}");
        let convolutions = network.layers.iter().filter(|layer| matches!(layer.kind, Kind::Convolutional(_)));
        assert!(convolutions.count() > 10);
    }
    let error = darknet_network("yolov3", [3, 400, 416], 80).unwrap_err().to_string();
    assert!(error.contains("[route]") && error.contains("yolov3, line"), "{error}");
}

/// Pictures lie in the network's input where Darknet puts them, and what stays of boxes is what torchvision keeps.
#[test]
fn pictures_and_boxes() {
    let golden = StateDict::read(&path("pictures.safetensors")).unwrap();
    let of = |name: &str| numbers(&golden.tensors[name]);
    for at in 0..4 {
        let (samples, shape) = of(&format!("picture_{at}"));
        let (expected, size) = of(&format!("boxed_{at}"));
        let bytes = samples.iter().map(|&sample| sample as u8).collect();
        let picture = Picture::from_u8(shape[1], shape[0], 3, bytes).unwrap();
        let found = Letterbox::new([shape[1], shape[0]], [size[2], size[1]]).planes(picture).unwrap();
        close(&found, expected, 0.0, 1e-5).unwrap_or_else(|error| panic!("{at}: {error}"));
    }
    let ((boxes, _), (scores, _), (classes, _)) = (of("boxes"), of("scores"), of("classes"));
    let one = |at: usize| Detection {
        bounds: boxes[4 * at..][..4].try_into().unwrap(),
        class: classes[at] as usize,
        score: scores[at],
    };
    let found: Vec<Detection> = (0..scores.len()).map(one).collect();
    let kept = keep_boxes(&found, 0.3);
    let expected: Vec<usize> = of("kept").0.iter().map(|&at| at as usize).collect();
    // Which of two equal scores comes first is not said by torchvision.
    let by_score = |kept: &[usize]| kept.iter().map(|&at| found[at].score).collect::<Vec<_>>();
    assert_eq!(by_score(&kept), by_score(&expected));
    let sorted = |mut kept: Vec<usize>| {
        kept.sort_unstable();
        kept
    };
    assert!(expected.len() > 50 && expected.len() < 290);
    assert_eq!(sorted(kept), sorted(expected));
}

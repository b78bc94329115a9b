//! What the layers within every network give, at the paths of their state dicts, against PyTorch's forward hooks
//! (tests/goldens/features.py).

use std::collections::BTreeSet;

use tilewright::{
    Context, DType, Module, ParameterStore, Pass, Tensor, Values, Var,
    nn::{Error, INPUT, capture_features, features, features_of},
    zoo::{Options, UNet, UNetBn, UNetBnConfig, UNetConfig, build, entries},
};
use tilewright_reference::golden::{self, Case};

use super::networks::{CLASSES, LIKE_OTHERS, extents, filled, value_range};
use crate::common::{
    Cases,
    computed::{self, uniform},
    context, full, some,
};

/// Of the length of what a module gives. PyTorch's own float32 is up to 2e-5 away from the golden (seresnet50).
const TOLERANCE: f64 = 1e-4;

/// The case's network with the numbers that both sides compute; U-Net in a narrow form, which has the same modules.
fn network(context: &Context, case: &Case) -> (ParameterStore, Box<dyn Module>) {
    let store = ParameterStore::new(context, 1);
    let root = store.root();
    let module: Box<dyn Module> = match case.name.as_str() {
        "unet" => {
            let config = UNetConfig { width: 8, classes: 3, ..UNetConfig::default() };
            Box::new(UNet::new(&root, &config).unwrap())
        }
        "unet_bn" => {
            Box::new(UNetBn::new(&root, &UNetBnConfig { width: 8, channels: 3, classes: 3 }).unwrap())
        }
        name => {
            let segments = ["unet", "fcn", "deeplab", "lraspp"].iter().any(|start| name.starts_with(start));
            let classes = if segments { 3 } else { CLASSES };
            build(name, &store, Options::new([3, 64, 64], classes)).unwrap().module
        }
    };
    let norm: Vec<_> =
        case.parameters["norm"].as_array().unwrap().iter().map(|end| end.as_f64().unwrap()).collect();
    computed::fill(&store, |path, shape| {
        let (low, high) = value_range(path, shape, (norm[0], norm[1]), (-0.1, 0.1));
        filled(path, shape.iter().product(), low, high)
    });
    (store, module)
}

/// The length of what a layer gives and its product with the direction that the path names, against the golden's.
fn near(path: &str, value: &Tensor, shape: &[usize], wanted: &[f32]) -> Result<(), String> {
    if value.shape() != shape {
        return Err(format!("shape {:?} for {shape:?}", value.shape()));
    }
    let values = value.to_vec::<f32>().map_err(|error| error.to_string())?;
    let direction = uniform(&format!("direction/{path}"), values.len(), -1.0, 1.0);
    let sum =
        |a: &[f32], b: &[f32]| -> f64 { a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum() };
    let length = sum(&values, &values).sqrt();
    let product = sum(&values, &direction) / sum(&direction, &direction).sqrt();
    let scale = f64::from(wanted[0]);
    let (longer, turned) = ((length - scale).abs() / scale, (product - f64::from(wanted[1])).abs() / scale);
    if longer.max(turned) <= TOLERANCE {
        Ok(())
    } else {
        Err(format!("length off by {longer:e}, product by {turned:e}"))
    }
}

#[test]
fn every_module_gives_what_pytorchs_hook_finds() {
    let (context, mut table) = (context(), Cases::new());
    // Every third: what each path gives is in the logits too, and that it is found is tried below for every network.
    for case in some(golden::family("features").unwrap(), 3) {
        let begun = std::time::Instant::now();
        let (_store, module) = network(&context, &case);
        let shape = extents(&case.parameters["shape"]);
        let x = uniform("images", shape.iter().product(), -1.0, 1.0);
        let x = Var::constant(Tensor::from_slice(&context, &x, &shape).unwrap());
        let paths: Vec<_> =
            case.parameters["paths"].as_array().unwrap().iter().map(|path| path.as_str().unwrap()).collect();
        let shapes = case.parameters["shapes"].as_array().unwrap().iter().map(extents);
        let inputs = Values::new().with(INPUT, x);
        let found = match features_of(&*module, &paths, &inputs, Pass::eval()) {
            Ok((_, found)) => found,
            Err(error) => {
                table.check(&case.name, Err(error.to_string()));
                continue;
            }
        };
        let numbers = case.f32("numbers").unwrap().0;
        for ((path, shape), wanted) in paths.iter().zip(shapes).zip(numbers.chunks(2)) {
            let value = found.get(path).unwrap();
            table.check(format!("{} {path}", case.name), near(path, value.tensor(), &shape, wanted));
        }
        eprintln!("{}: {} paths, {:.2} s", case.name, paths.len(), begun.elapsed().as_secs_f64());
    }
    table.finish();
}

/// Paths that begin a parameter's but at which PyTorch gives no tensor: its lists of modules, the backbones, which give several maps,
/// and, of DeepLabV3+, what nobody calls.
fn gives_none(network: &str, path: &str) -> bool {
    let list = ["down", "up", "decoder.blocks", "layers"].contains(&path) || path.ends_with(".convs");
    let maps = ["backbone", "encoder"].contains(&path);
    list || maps || (network == "deeplabv3plus_resnet50" && path == "classifier")
}

/// Every path that begins a parameter's.
fn beginnings(store: &ParameterStore) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for entry in store.entries() {
        let parts: Vec<&str> = entry.path().split('.').collect();
        all.extend((1..parts.len()).map(|count| parts[..count].join(".")));
    }
    all
}

#[test]
fn every_beginning_of_a_parameters_path_is_found_in_every_network() {
    let (context, mut table) = (context().recording(), Cases::new());
    for entry in entries().filter(|entry| full() || !LIKE_OTHERS.contains(&entry.name)) {
        let store = ParameterStore::shapes_only(&context);
        let size = entry.least.max(32);
        let [channels, ..] = entry.image;
        let options = Options::new([channels, size, size], 7).auxiliary(!entry.name.starts_with("googlenet"));
        let module = build(entry.name, &store, options).unwrap().module;
        let paths = beginnings(&store);
        let wanted: Vec<&str> =
            paths.iter().map(String::as_str).filter(|path| !gives_none(entry.name, path)).collect();
        let inputs = [(INPUT, &[1, channels, size, size][..], DType::F32)];
        let found = capture_features(&*module, &store, &inputs, &wanted);
        table.check(entry.name, found.map(|_| ()).map_err(|error| error.to_string()));
    }
    table.finish();
}

/// The heads of GoogLeNet that compute in training alone.
#[test]
fn auxiliary_heads_are_found_in_training() {
    let context = context();
    let store = ParameterStore::new(&context, 1);
    let network = build("googlenet", &store, Options::new([3, 32, 32], 7)).unwrap();
    let x = Var::constant(Tensor::ones(&context, &[2, 3, 32, 32]).unwrap());
    let paths = ["aux1", "aux1.conv", "aux1.fc1", "aux2.fc2", "aux2"];
    let inputs = Values::new().with(INPUT, x.clone());
    let (outputs, found) = features_of(&*network.module, &paths, &inputs, Pass::train(0, 0)).unwrap();
    let numbers = |value: &Var| value.tensor().to_vec::<f32>().unwrap();
    for head in ["aux1", "aux2"] {
        assert_eq!(numbers(found.get(head).unwrap()), numbers(outputs.get(head).unwrap()));
    }
    assert_eq!(found.get("aux1.conv").unwrap().shape(), [2, 128, 4, 4]);
    let error = features(&*network.module, &["aux1"], &x).unwrap_err();
    assert!(matches!(error, Error::UnknownPath { .. }), "{error}");
}

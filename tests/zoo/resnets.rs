//! torchvision's ResNets on the device against PyTorch: names and shapes of the state dict, logits at several sizes, and the
//! gradient of every parameter. The weights are not in the repository: both sides compute them (tests/goldens/resnets.py).

use tilewright::{
    Context, ParameterStore, Pass, Tensor, Var,
    ops::CrossEntropy,
    zoo::{Error, Network, Options, Shortcut, build},
};
use tilewright_reference::golden::{self, Case};

use crate::common::{
    Cases, close,
    computed::{self, uniform},
    context, contexts_for_numbers,
};

fn value_range(name: &str, shape: &[usize], bias: (f64, f64)) -> (f64, f64) {
    if shape.len() > 1 {
        let bound = (6.0 / shape[1..].iter().product::<usize>() as f64).sqrt();
        return (-bound, bound);
    }
    match name {
        "fc.bias" => (-0.1, 0.1),
        _ if name.ends_with("running_mean") => (-0.2, 0.2),
        _ if name.ends_with("running_var") => (0.5, 1.5),
        _ if name.ends_with("weight") => (0.25, 0.75),
        _ => bias,
    }
}

fn network(context: &Context, case: &Case, image: [usize; 3], bias: (f64, f64)) -> Network {
    let store = ParameterStore::new(context, 1);
    let name = format!("resnet{}", case.number("depth").unwrap());
    let options = Options::new(image, 10);
    let network = build(&name, &store, options).unwrap();
    computed::fill(&store, |path, shape| {
        let (low, high) = value_range(path, shape, bias);
        uniform(path, shape.iter().product(), low, high)
    });
    network
}

fn images(context: &Context, case: &Case) -> (Var, [usize; 4]) {
    let shape: Vec<_> =
        case.parameters["shape"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as usize).collect();
    let name = case.parameters["images"].as_str().unwrap_or("images");
    let values = uniform(name, shape.iter().product(), -1.0, 1.0);
    let x = Var::constant(Tensor::from_slice(context, &values, &shape).unwrap());
    (x, shape.try_into().unwrap())
}

/// The hash of every name and shape, as torchvision's state dict has them, by name.
fn digest(store: &ParameterStore) -> String {
    let mut lines = computed::lines(store);
    lines.sort();
    computed::digest(&lines)
}

fn cases(prefix: &str) -> Vec<Case> {
    let cases = golden::family("resnets").unwrap().into_iter();
    let found: Vec<_> = cases.filter(|case| case.name.starts_with(prefix)).collect();
    assert!(!found.is_empty(), "no golden case begins with {prefix}");
    found
}

#[test]
fn logits_names_and_shapes_are_torchvisions() {
    let mut depths = std::collections::BTreeSet::new();
    for (at, context) in contexts_for_numbers().into_iter().enumerate() {
        let mut table = Cases::new();
        for case in cases("eval") {
            // The second mode meets no new kernel in a deeper network: it would only take its time.
            if at > 0 && case.number("depth").unwrap() > 50.0 {
                continue;
            }
            depths.insert(case.number("depth").unwrap() as usize);
            let (x, [_, channels, height, width]) = images(&context, &case);
            let network = network(&context, &case, [channels, height, width], (-0.25, 0.25));
            assert_eq!(digest(&network.store), case.parameters["digest"].as_str().unwrap(), "{}", case.name);
            assert_eq!(network.store.parameter_count(), case.number("parameters").unwrap() as usize);
            let logits = network.module.forward(&x, &Pass::eval()).unwrap();
            // PyTorch's own float32 is 2e-6 of the largest logit away from the golden at worst.
            let (actual, expected) = (logits.tensor().to_vec().unwrap(), case.f32("logits").unwrap().0);
            table.check(&case.name, close(&actual, expected, 1e-5, 2e-5));
        }
        table.finish();
    }
    assert_eq!(depths.into_iter().collect::<Vec<_>>(), [18, 34, 50, 101, 152]);
}

#[test]
fn every_parameter_gradient_is_pytorchs() {
    for (at, context) in contexts_for_numbers().into_iter().enumerate() {
        let mut table = Cases::new();
        for case in cases("gradients") {
            if at > 0 && case.number("depth").unwrap() > 18.0 {
                continue;
            }
            let (x, [batch, channels, height, width]) = images(&context, &case);
            let network = network(&context, &case, [channels, height, width], (0.0, 1.0));
            let labels: Vec<_> = (0..batch as i32).map(|image| image % 10).collect();
            let labels = Tensor::from_slice(&context, &labels, &[batch]).unwrap();
            let logits = network.module.forward(&x, &Pass::train(0, 0)).unwrap();
            let loss = logits.cross_entropy(&labels, None, &CrossEntropy::default()).unwrap();
            let actual = [loss.tensor().item().unwrap()];
            table
                .check(format!("{} loss", case.name), close(&actual, case.f32("loss").unwrap().0, 1e-5, 0.0));
            let gradients = loss.backward().unwrap();
            let mut parameters = network.store.parameters();
            parameters.sort_by(|a, b| a.path().cmp(b.path()));
            let (norms, products) = (case.f32("norms").unwrap().0, case.f32("products").unwrap().0);
            assert_eq!(parameters.len(), norms.len());
            let mut lengths = Vec::with_capacity(norms.len());
            for (parameter, (&norm, &product)) in parameters.iter().zip(norms.iter().zip(products)) {
                let gradient = gradients.get_id(parameter.id()).unwrap().to_vec::<f32>().unwrap();
                let name = format!("direction/{}", parameter.path());
                let direction = uniform(&name, gradient.len(), -1.0, 1.0);
                let sum = |a: &[f32], b: &[f32]| -> f64 {
                    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
                };
                let found = sum(&gradient, &direction) / sum(&direction, &direction).sqrt();
                let name = format!("{} {}", case.name, parameter.path());
                // Of the gradient's length: a product with a random direction may be as small as it likes.
                let error = (found - f64::from(product)).abs() / f64::from(norm);
                let fits = if error < 1e-4 { Ok(()) } else { Err(format!("product off by {error:e}")) };
                table.check(&name, fits);
                lengths.push((name, sum(&gradient, &gradient).sqrt() / f64::from(norm)));
            }
            // All gradients are multiples of the loss's by the logits, in which the last bits of the whole forward pass stand: it
            // gives them a factor in common, in which PyTorch's own float32 is 3.4e-4 off for other images (the second of the
            // name, ResNet-50). What a layer adds of its own is held more closely.
            let mut ratios: Vec<f64> = lengths.iter().map(|(_, ratio)| *ratio).collect();
            ratios.sort_by(f64::total_cmp);
            let common = ratios[ratios.len() / 2];
            let fits = if (common - 1.0).abs() < 3.4e-4 { Ok(()) } else { Err(format!("{common}")) };
            table.check(format!("{} common factor", case.name), fits);
            for (name, ratio) in lengths {
                let error = (ratio / common - 1.0).abs();
                let fits = if error < 1e-4 { Ok(()) } else { Err(format!("length off by {error:e}")) };
                table.check(name, fits);
            }
        }
        table.finish();
    }
}

#[test]
fn small_images_are_an_error_and_padding_shortcuts_have_no_parameters() {
    let context = context();
    let options = Options::new([3, 31, 32], 10);
    let error = build("resnet18", &ParameterStore::new(&context, 1), options).err().unwrap();
    assert!(matches!(error, Error::ImageTooSmall { least: 32, .. }), "{error}");
    let store = ParameterStore::new(&context, 1);
    let options = Options::new([1, 32, 32], 7).shortcut(Shortcut::Padding);
    let network = build("resnet18", &store, options).unwrap();
    assert!(store.entries().iter().all(|entry| !entry.path().contains("downsample")));
    let x = Var::constant(Tensor::ones(&context, &[2, 1, 32, 32]).unwrap());
    assert_eq!(network.module.forward(&x, &Pass::train(0, 0)).unwrap().shape(), [2, 7]);
}

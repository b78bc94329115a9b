//! Networks that segment on the device against PyTorch: names and shapes of the state dict, logits at odd sizes, and the
//! gradient of every parameter. The weights are not in the repository: both sides compute them from the tensors' names
//! (tests/goldens/segmentation.py).

use tilewright::{
    Context, Module, ParameterStore, Pass, Tensor, Values, Var,
    nn::{HostTensor, INPUT},
    train::{Batch, Confusion, Segmentation, Task},
    zoo::{Error, Options, Task as Kind, UNet, UNetBn, UNetBnConfig, UNetConfig, build, entries},
};
use tilewright_reference::golden::{self, Case};

use crate::common::{
    Cases, close,
    computed::{self, uniform},
    context, contexts_for_numbers, full,
};

fn value_range(name: &str, shape: &[usize], bias: (f64, f64)) -> (f64, f64) {
    if shape.len() > 1 {
        let bound = (6.0 / shape[1..].iter().product::<usize>() as f64).sqrt();
        return (-bound, bound);
    }
    match name {
        _ if name.ends_with("running_mean") => (-0.2, 0.2),
        _ if name.ends_with("running_var") => (0.5, 1.5),
        _ if name.ends_with("weight") => (0.25, 0.75),
        _ => bias,
    }
}

fn fill(store: &ParameterStore, bias: (f64, f64)) {
    computed::fill(store, |path, shape| {
        let (low, high) = value_range(path, shape, bias);
        uniform(path, shape.iter().product(), low, high)
    });
}

fn number(case: &Case, name: &str) -> usize {
    case.number(name).unwrap() as usize
}

fn text<'a>(case: &'a Case, name: &str) -> &'a str {
    case.parameters[name].as_str().unwrap()
}

/// The case's network: one of the table, or a narrow one.
fn network(context: &Context, case: &Case, channels: usize) -> (ParameterStore, Box<dyn Module>) {
    let store = ParameterStore::new(context, 1);
    let (name, root) = (text(case, "network"), store.root());
    let Ok(width) = case.number("width").map(|width| width as usize) else {
        let options = Options::new([channels, 64, 64], 3).without_dropping();
        let network = build(name, &store, options.auxiliary(number(case, "auxiliary") == 1)).unwrap();
        return (store, network.module);
    };
    let classes = number(case, "classes");
    let module: Box<dyn Module> = match name {
        "unet" => {
            let mirrored = number(case, "mirrored") == 1;
            let config = UNetConfig { width, mirrored, dropout: 0.5, channels, classes };
            Box::new(UNet::new(&root, &config).unwrap())
        }
        "unet_bn" => Box::new(UNetBn::new(&root, &UNetBnConfig { width, channels, classes }).unwrap()),
        other => panic!("no narrow {other}"),
    };
    (store, module)
}

fn images(context: &Context, case: &Case) -> (Var, [usize; 4]) {
    let shape: Vec<_> =
        case.parameters["shape"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as usize).collect();
    let name = case.parameters["images"].as_str().unwrap_or("images");
    let values = uniform(name, shape.iter().product(), -1.0, 1.0);
    let x = Var::constant(Tensor::from_slice(context, &values, &shape).unwrap());
    (x, shape.try_into().unwrap())
}

/// The hash of every name and shape, as PyTorch's state dict has them, by name.
fn digest(store: &ParameterStore) -> String {
    let mut lines = computed::lines(store);
    lines.sort();
    computed::digest(&lines)
}

fn cases(wanted: impl Fn(&str) -> bool) -> Vec<Case> {
    let cases = golden::family("segmentation").unwrap().into_iter();
    let found: Vec<_> = cases.filter(|case| wanted(&case.name)).collect();
    assert!(!found.is_empty(), "no such golden case");
    found
}

fn check_names(case: &Case, store: &ParameterStore) {
    assert_eq!(digest(store), text(case, "digest"), "{}", case.name);
    assert_eq!(store.parameter_count(), number(case, "parameters"), "{}", case.name);
}

#[test]
fn logits_names_and_shapes_are_pytorchs() {
    for context in contexts_for_numbers() {
        let mut table = Cases::new();
        let mut seen = std::collections::BTreeSet::new();
        for case in cases(|name| !name.contains("gradients")) {
            seen.insert(text(&case, "network").to_owned());
            if case.name.starts_with("names") {
                let channels = if text(&case, "network") == "unet" { 1 } else { 3 };
                check_names(&case, &network(&context, &case, channels).0);
                continue;
            }
            let (x, [batch, channels, height, width]) = images(&context, &case);
            let (store, module) = network(&context, &case, channels);
            check_names(&case, &store);
            // What is deeper has no other parts.
            if !full() && case.name.contains("resnet101") {
                continue;
            }
            fill(&store, (-0.25, 0.25));
            let outputs = module.call(&Values::new().with(INPUT, x), &Pass::eval()).unwrap();
            let ports: Vec<_> = module.outputs().iter().map(|port| port.name.clone()).collect();
            assert_eq!(ports.len(), if case.number("auxiliary").is_ok_and(|one| one == 1.0) { 2 } else { 1 });
            let lost = if case.number("mirrored").is_ok_and(|mirrored| mirrored == 0.0) { 184 } else { 0 };
            for port in ports {
                let found = outputs.get(&port).unwrap();
                assert_eq!(found.shape(), [batch, 3, height - lost, width - lost], "{} {port}", case.name);
                let expected = case.f32(&port).unwrap().0;
                let largest = expected.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
                // PyTorch's own float32 is up to 2e-6 of the largest logit away from the golden.
                let actual = found.tensor().to_vec().unwrap();
                let fits = close(&actual, expected, 1e-5, f64::from(2e-5 * largest));
                table.check(format!("{} {port}", case.name), fits);
            }
        }
        table.finish();
        // A narrower one of another is held by that.
        let segments =
            entries().filter(|entry| entry.task == Kind::Segmentation && entry.name != "unet_bn_16");
        let missing: Vec<_> = segments.map(|entry| entry.name).filter(|name| !seen.contains(*name)).collect();
        assert!(missing.is_empty(), "no golden case of {missing:?}");
    }
}

#[test]
fn every_parameter_gradient_is_pytorchs() {
    for context in contexts_for_numbers() {
        let mut table = Cases::new();
        for case in cases(|name| name.contains("gradients")) {
            let (x, [batch, channels, height, width]) = images(&context, &case);
            let (store, module) = network(&context, &case, channels);
            fill(&store, (0.0, 1.0));
            let count = batch * height * width;
            let ignored = uniform("ignored", count, 0.0, 1.0);
            let labels: Vec<i32> = uniform("labels", count, 0.0, 3.0)
                .into_iter()
                .zip(ignored)
                .map(|(class, ignored)| if ignored < 0.1 { 255 } else { class as i32 })
                .collect();
            let labels = Tensor::from_slice(&context, &labels, &[batch, height, width]).unwrap();
            let task = Segmentation::of_module(&*module, 3).unwrap().ignoring(255);
            let outputs = module.call(&Values::new().with(INPUT, x), &Pass::train(0, 0)).unwrap();
            let loss = task.loss(&outputs, &Values::new().with("target", Var::constant(labels))).unwrap();
            let actual = [loss.tensor().item().unwrap()];
            table
                .check(format!("{} loss", case.name), close(&actual, case.f32("loss").unwrap().0, 1e-5, 0.0));
            let gradients = loss.backward().unwrap();
            let mut parameters = store.parameters();
            parameters.sort_by(|a, b| a.path().cmp(b.path()));
            let (norms, products) = (case.f32("norms").unwrap().0, case.f32("products").unwrap().0);
            assert_eq!(parameters.len(), norms.len());
            for (parameter, (&norm, &product)) in parameters.iter().zip(norms.iter().zip(products)) {
                let gradient = gradients.get_id(parameter.id()).unwrap().to_vec::<f32>().unwrap();
                let direction =
                    uniform(&format!("direction/{}", parameter.path()), gradient.len(), -1.0, 1.0);
                let sum = |a: &[f32], b: &[f32]| -> f64 {
                    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
                };
                let found = sum(&gradient, &direction) / sum(&direction, &direction).sqrt();
                let length = sum(&gradient, &gradient).sqrt();
                let fits = if norm < 1e-12 {
                    // A shift that a normalisation takes away again: 0 but for rounding, PyTorch's own is up to 4e-8.
                    if length < 1e-6 { Ok(()) } else { Err(format!("length {length:e}, which is to be 0")) }
                } else {
                    // Of the gradient's length: a product with a random direction may be as small as it likes.
                    let turned = (found - f64::from(product)).abs() / f64::from(norm);
                    let longer = (length / f64::from(norm) - 1.0).abs();
                    if turned.max(longer) < 1e-3 {
                        Ok(())
                    } else {
                        Err(format!("product off by {turned:e}, length by {longer:e} of {norm:e}"))
                    }
                };
                table.check(format!("{} {}", case.name, parameter.path()), fits);
            }
        }
        table.finish();
    }
}

/// The measures of a batch by hand, of many channels and of one.
#[test]
fn the_task_counts_pixels() {
    let context = context();
    // Two images of 1×2: right, wrong; right, ignored.
    let truth = HostTensor::I64(vec![1, 0, 0, -100], vec![2, 1, 2]);
    let batch = Batch::new(2).target("target", truth.clone());
    let targets = Values::new().with("target", Var::constant(truth.upload(&context, "target").unwrap()));
    let logits = [-2.0f32, 3.0, -1.0, 0.5];
    let one = Tensor::from_slice(&context, &logits, &[2, 1, 1, 2]).unwrap();
    let both = Tensor::concat(&[&Tensor::zeros(&context, &[2, 1, 1, 2]).unwrap(), &one], 1).unwrap();
    let softplus = |x: f32| f64::from(x).exp().ln_1p();
    // Binary cross entropy of σ(x), by hand.
    let expected = (softplus(2.0) + softplus(3.0) + softplus(-1.0)) / 3.0;
    for tensor in [one, both] {
        let task = Segmentation::new(2).unwrap().of("out", "target");
        let outputs = Values::new().with("out", Var::constant(tensor));
        let loss = f64::from(task.loss(&outputs, &targets).unwrap().tensor().item().unwrap());
        assert!((loss - expected).abs() < 1e-5, "{loss} for {expected}");
        let sums = task.evaluate(&outputs, &targets, &batch).unwrap();
        // True 1, answered 0; true 0, answered 1; true 0, answered 0.
        assert_eq!(sums.metrics, [1.0, 1.0, 1.0, 0.0]);
        assert_eq!(task.conclude(&sums.metrics, 2.0), [1.0 / 3.0, 1.0 / 6.0, 0.0]);
        assert_eq!(task.metrics().len(), 3);
        assert_eq!(task.confusion(&sums.metrics).unwrap().counts(), [1, 1, 1, 0]);
    }
    let three = Segmentation::new(3).unwrap();
    assert_eq!((three.metrics().len(), three.counters()), (2, 9));
    let wide = Var::constant(Tensor::zeros(&context, &[2, 4, 1, 2]).unwrap());
    let error = three.loss(&Values::new().with("output", wide), &targets).err().unwrap();
    assert!(error.to_string().contains("N × 3 × H × W"), "{error}");
    let mut confusion = Confusion::new(3).unwrap();
    let error = three.count(
        &[0, 0, 0, 7],
        &Batch::new(2).target("target", HostTensor::I64(vec![0; 4], vec![4])),
        &mut confusion,
    );
    assert!(error.unwrap_err().to_string().contains("classes 0 to 2"));
}

#[test]
fn images_that_are_too_small_are_an_error() {
    let context = context();
    let store = ParameterStore::new(&context, 1);
    let error = build("unet_bn", &store, Options::new([3, 15, 40], 2)).err().unwrap();
    assert!(matches!(error, Error::ImageTooSmall { least: 16, .. }), "{error}");
    let config = UNetConfig { width: 2, mirrored: false, ..UNetConfig::default() };
    let unet = UNet::new(&store.root(), &config).unwrap();
    let x = Var::constant(Tensor::zeros(&context, &[1, 1, 187, 188]).unwrap());
    let error = tilewright::Layer::forward(&unet, &x, &Pass::eval()).unwrap_err();
    assert!(error.to_string().contains("188×188"), "{error}");
}

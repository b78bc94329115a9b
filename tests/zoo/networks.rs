//! Every network but the plain ResNets on the device against PyTorch: names, shapes and order of the state dict, logits at two
//! sizes, loss and gradients. The weights are not in the repository: both sides compute them (tests/goldens/zoo.py).

use std::collections::BTreeSet;

use tilewright::{
    Context, DType, ParameterStore, Pass, Tensor, Var,
    graph::{Compiled, Options as Compilation},
    nn::{INPUT, OUTPUT, Values, capture},
    train::{Classification, TARGET, Task as _},
    zoo::{Network, Options, Task, build, entries, entry},
};
use tilewright_reference::golden::{self, Case};

use crate::common::{
    Cases, close,
    computed::{self, uniform},
    context, full,
};

/// Beyond so many, the numbers of a tensor repeat.
const PERIOD: usize = 65521;
pub const CLASSES: usize = 10;

/// Those of resnets.rs, and those that torchvision and timm do not have.
const ELSEWHERE: [&str; 10] = [
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "resnet20",
    "resnet32",
    "resnet44",
    "resnet56",
    "small_cnn",
];

pub fn filled(name: &str, count: usize, low: f64, high: f64) -> Vec<f32> {
    let some = uniform(name, count.min(PERIOD), low, high);
    let mut all = Vec::with_capacity(count);
    while all.len() < count {
        all.extend_from_slice(&some[..some.len().min(count - all.len())]);
    }
    all
}

pub fn value_range(name: &str, shape: &[usize], norm: (f64, f64), bias: (f64, f64)) -> (f64, f64) {
    if name.ends_with("layer_scale") {
        return (0.1, 0.5);
    }
    if shape.len() > 1 {
        let bound = (6.0 / shape[1..].iter().product::<usize>() as f64).sqrt();
        return (-bound, bound);
    }
    match name {
        _ if name.ends_with("running_mean") => (-0.2, 0.2),
        _ if name.ends_with("running_var") => (0.5, 1.5),
        _ if name.ends_with("weight") => norm,
        _ => bias,
    }
}

fn network(context: &Context, case: &Case, image: [usize; 3], bias: (f64, f64)) -> Network {
    let name = case.parameters["network"].as_str().unwrap_or(&case.name);
    let norm: Vec<_> =
        case.parameters["norm"].as_array().unwrap().iter().map(|end| end.as_f64().unwrap()).collect();
    let store = ParameterStore::new(context, 1);
    let network = build(name, &store, Options::new(image, CLASSES).without_dropping()).unwrap();
    computed::fill(&store, |path, shape| {
        let (low, high) = value_range(path, shape, (norm[0], norm[1]), bias);
        filled(path, shape.iter().product(), low, high)
    });
    network
}

fn images(context: &Context, shape: &[usize], name: &str) -> Var {
    let values = uniform(name, shape.iter().product(), -1.0, 1.0);
    Var::constant(Tensor::from_slice(context, &values, shape).unwrap())
}

pub fn extents(value: &serde_json::Value) -> Vec<usize> {
    value.as_array().unwrap().iter().map(|extent| extent.as_u64().unwrap() as usize).collect()
}

/// Networks all of whose parts another one has as well: without a full sweep their names and shapes are compared, and no numbers.
pub const LIKE_OTHERS: [&str; 12] = [
    "wide_resnet50_2",
    "ecaresnet50",
    "vgg11",
    "vgg13",
    "vgg13_bn",
    "vgg16",
    "vgg16_bn",
    "vgg19",
    "vgg19_bn",
    "squeezenet1_0",
    "mobilenet_v3_large",
    "shufflenet_v2_x1_0",
];

fn cases(trained: bool) -> Vec<Case> {
    let cases = golden::family("zoo").unwrap().into_iter();
    cases.filter(|case| case.name.starts_with("gradients_") == trained).collect()
}

/// Of the largest logit, as all sums behind it were rounded at their own size.
fn near(actual: &Tensor, expected: &[f32]) -> Result<(), String> {
    let largest = expected.iter().fold(0.0, |largest: f32, x| largest.max(x.abs()));
    close(&actual.to_vec().unwrap(), expected, 0.0, 1e-4 * f64::from(largest))
}

#[test]
fn every_network_has_a_golden() {
    let there: BTreeSet<_> = cases(false).into_iter().map(|case| case.name).collect();
    let wanted =
        entries().filter(|entry| entry.task == Task::Classification).map(|entry| entry.name.to_owned());
    assert_eq!(there, wanted.filter(|name| !ELSEWHERE.contains(&name.as_str())).collect());
}

#[test]
fn logits_names_shapes_and_their_order_are_torchvisions() {
    let (context, mut table) = (context(), Cases::new());
    for case in cases(false) {
        let begun = std::time::Instant::now();
        let name = &case.name;
        let shapes: Vec<_> = case.parameters["shapes"].as_array().unwrap().iter().map(extents).collect();
        let shapes_only = !full() && LIKE_OTHERS.contains(&name.as_str());
        let network = if shapes_only {
            let store = ParameterStore::shapes_only(&context);
            build(name, &store, Options::new([3, 64, 64], CLASSES)).unwrap()
        } else {
            network(&context, &case, [3, 64, 64], (-0.1, 0.1))
        };
        let digest = computed::digest(&computed::lines(&network.store));
        table.check(
            format!("{name} state dict"),
            equal(digest.as_str(), case.parameters["digest"].as_str().unwrap()),
        );
        let head = network.store.parameter(entry(name).unwrap().head).map(|head| head.shape().to_vec());
        table.check(format!("{name} head"), equal(&head, &Some(vec![CLASSES])));
        // The odd size, and in a full sweep the other one too.
        for (at, shape) in shapes.iter().enumerate().skip(usize::from(!full())) {
            if shapes_only {
                break;
            }
            let logits = network.module.forward(&images(&context, shape, "images"), &Pass::eval()).unwrap();
            let expected = case.f32(&format!("logits_{at}")).unwrap().0;
            table.check(format!("{name} {shape:?}"), near(logits.tensor(), expected));
        }
        eprintln!("{name}: {:.2} s", begun.elapsed().as_secs_f64());
    }
    table.finish();
}

fn equal<T: PartialEq + std::fmt::Debug + ?Sized>(actual: &T, expected: &T) -> Result<(), String> {
    if actual == expected { Ok(()) } else { Err(format!("{actual:?} for {expected:?}")) }
}

/// What is compiled answers as what is run: one network with every kind of part (squeeze and excitation, hard swish,
/// depthwise convolutions), the one whose channels are shuffled, and the one that normalises over channels.
#[test]
fn compiled_networks_answer_the_same() {
    let (context, mut table) = (context(), Cases::new());
    let cases = cases(false);
    for name in ["mobilenet_v3_small", "shufflenet_v2_x0_5", "cbam_resnet50"] {
        let case = cases.iter().find(|case| case.name == name).unwrap();
        let shape = extents(&case.parameters["shapes"][1]);
        let network = network(&context, case, [3, shape[2], shape[3]], (-0.1, 0.1));
        let graph = capture(&*network.module, &network.store, &[(INPUT, &shape, DType::F32)]).unwrap();
        let mut session = Compiled::new(&graph, &Compilation::default()).unwrap().session().unwrap();
        let x = images(&context, &shape, "images");
        let outputs = session.run(&[x.tensor()]).unwrap();
        table.check(name, near(&outputs[0], case.f32("logits_1").unwrap().0));
    }
    table.finish();
}

#[test]
fn loss_and_every_gradient_are_pytorchs() {
    let (context, mut table) = (context(), Cases::new());
    for case in cases(true) {
        let name = case.parameters["network"].as_str().unwrap();
        let shape = extents(&case.parameters["shape"]);
        let x = images(&context, &shape, case.parameters["images"].as_str().unwrap());
        let network = network(&context, &case, [3, shape[2], shape[3]], (0.0, 1.0));
        let labels: Vec<_> = (0..shape[0] as i32).map(|image| image % 10).collect();
        let labels = Tensor::from_slice(&context, &labels, &[shape[0]]).unwrap();
        let inputs = Values::new().with(INPUT, x);
        let outputs = network.module.call(&inputs, &Pass::train(0, 0)).unwrap();
        // Of GoogLeNet with those of its auxiliary heads.
        let targets = Values::new().with(TARGET, Var::constant(labels));
        let loss = Classification::default().loss(&outputs, &targets).unwrap();
        let actual = [loss.tensor().item().unwrap()];
        table.check(format!("{name} loss"), close(&actual, case.f32("loss").unwrap().0, 1e-4, 0.0));
        let gradients = loss.backward().unwrap();
        let (norms, products) = (case.f32("norms").unwrap().0, case.f32("products").unwrap().0);
        let parameters = network.store.parameters();
        assert_eq!(parameters.len(), norms.len());
        let largest = norms.iter().copied().fold(0.0, f32::max);
        for (parameter, (&norm, &product)) in parameters.iter().zip(norms.iter().zip(products)) {
            let gradient = gradients.get_id(parameter.id()).unwrap().to_vec::<f32>().unwrap();
            let step = (gradient.len() / PERIOD).max(1);
            let gradient: Vec<_> = gradient.into_iter().step_by(step).collect();
            let direction = filled(&format!("direction/{}", parameter.path()), gradient.len(), -1.0, 1.0);
            let sum = |a: &[f32], b: &[f32]| -> f64 {
                a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
            };
            let found = sum(&gradient, &direction) / sum(&direction, &direction).sqrt();
            // Of the gradient's length: a product with a random direction may be as small as it likes. A bias in front of a
            // normalisation has no gradient but what rounding leaves: that is measured by the largest one.
            let scale = f64::from(norm.max(1e-4 * largest));
            let error = (found - f64::from(product)).abs() / scale;
            let longer = (sum(&gradient, &gradient).sqrt() - f64::from(norm)).abs() / scale;
            let fits = if error.max(longer) < 1e-3 {
                Ok(())
            } else {
                Err(format!("product off by {error:e}, length by {longer:e}"))
            };
            table.check(format!("{name} {}", parameter.path()), fits);
        }
    }
    table.finish();
}

/// The authors' auxiliary heads compute in training alone, and a network without them has the other names.
#[test]
fn auxiliary_heads_compute_in_training() {
    let context = context();
    let store = ParameterStore::new(&context, 1);
    let network = build("googlenet", &store, Options::new([3, 32, 32], 7)).unwrap();
    let inputs: Values = [(INPUT, images(&context, &[2, 3, 32, 32], "images"))].into();
    let names = |pass: Pass| -> Vec<(String, Vec<usize>)> {
        let outputs = network.module.call(&inputs, &pass).unwrap();
        outputs.iter().map(|(name, value)| (name.to_owned(), value.shape().to_vec())).collect()
    };
    let row = |name: &str| (name.to_owned(), vec![2, 7]);
    assert_eq!(names(Pass::train(0, 0)), [row(OUTPUT), row("aux1"), row("aux2")]);
    assert_eq!(names(Pass::eval()), [row(OUTPUT)]);
    let store = ParameterStore::new(&context, 1);
    build("googlenet", &store, Options::new([3, 32, 32], 7).auxiliary(false)).unwrap();
    assert!(store.entries().iter().all(|entry| !entry.path().starts_with("aux")));
}

//! What a user may get wrong: weights of another network, a name that there is not, too small an image.

use std::{borrow::Cow, sync::Arc};

use tilewright::{
    ParameterStore,
    nn::{self, HostTensor, StateDict, StateSource},
    zoo::{Error, Options, build, names, options_of},
};

use crate::common::context;

/// A state dict of `name`, as a file has it.
fn state(name: &str, classes: usize) -> StateDict {
    let store = ParameterStore::new(&context(), 1);
    build(name, &store, Options::new([3, 32, 32], classes)).unwrap();
    StateDict::of(&store).unwrap()
}

#[test]
fn weights_of_another_network_are_named() {
    let weights = state("shufflenet_v2_x0_5", 7);
    // The head has another name.
    let error = options_of("mobilenet_v2", &weights, [3, 32, 32]).unwrap_err();
    assert!(matches!(error, Error::NoHead { head: "classifier.1.bias", .. }), "{error}");
    assert!(error.to_string().contains("it has `fc.bias`"), "{error}");
    // The head fits, the rest does not.
    let options = options_of("resnet18", &weights, [3, 32, 32]).unwrap();
    assert_eq!(options.classes, 7);
    let store = ParameterStore::from_state(&context(), 0, Arc::new(weights));
    build("resnet18", &store, options).unwrap();
    let error = store.finish_loading().unwrap_err();
    let nn::Error::StateDict { report, .. } = &error else { panic!("{error}") };
    assert!(report.missing.iter().any(|name| name == "layer1.0.conv1.weight"), "{error}");
    assert!(report.unexpected.iter().any(|name| name == "stage2.0.branch1.0.weight"), "{error}");
    assert!(report.misshaped.iter().any(|wrong| wrong.name == "fc.weight"), "{error}");
}

/// A state dict whose head is a single number.
struct Scalar;

impl StateSource for Scalar {
    fn label(&self) -> String {
        "scalar.safetensors".to_owned()
    }

    fn names(&self) -> Vec<&str> {
        vec!["fc.bias"]
    }

    fn shape(&self, name: &str) -> Option<&[usize]> {
        (name == "fc.bias").then_some(&[])
    }

    fn tensor(&self, _: &str) -> nn::Result<Option<Cow<'_, HostTensor>>> {
        Ok(None)
    }
}

#[test]
fn a_head_without_an_extent_counts_no_classes() {
    let error = options_of("resnet18", &Scalar, [3, 32, 32]).unwrap_err();
    assert!(matches!(error, Error::NoHead { .. }), "{error}");
}

#[test]
fn small_images_and_unknown_names_are_errors() {
    let store = ParameterStore::new(&context(), 1);
    for (name, least) in [("alexnet", 63), ("vgg11", 32), ("squeezenet1_0", 32), ("small_cnn", 4)] {
        let error = build(name, &store, Options::new([3, 64, least - 1], 10)).err().unwrap();
        assert!(matches!(error, Error::ImageTooSmall { least: said, .. } if said == least), "{error}");
    }
    assert!(store.entries().is_empty());
    let error = build("MobileNet-V2", &store, Options::new([3, 64, 64], 10)).err().unwrap();
    assert_eq!(error.to_string(), "no network is called `MobileNet-V2`; `mobilenet_v2` is");
    let error = build("resnet19", &store, Options::new([3, 64, 64], 10)).err().unwrap();
    assert!(names().iter().all(|name| error.to_string().contains(name)), "{error}");
}

//! A thousand steps of training: memory does not grow, and the same seed gives the same bits.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{own_context as context, random};
use tilewright::{
    Context, DType, Layout, ParameterStore, Pass, Tensor, Var,
    nn::{
        Error, Layer, Module, StateDict,
        init::Init,
        layers::{Conv2d, Conv2dOptions, Dropout, Linear},
        optim::{AdamW, Optimizer, Sgd},
    },
    ops::{self, CrossEntropy},
    zoo::{Options, build},
};

const IMAGE: [usize; 3] = [1, 8, 8];

fn batch(context: &Context, step: u64) -> (Var, Tensor) {
    let images = random(step, 8 * 64, -1.0, 1.0);
    let labels: Vec<i32> = (0..8).map(|i| ((i + step) % 3) as i32).collect();
    let x = Tensor::from_slice(context, &images, &[8, IMAGE[0], IMAGE[1], IMAGE[2]]).unwrap();
    (Var::constant(x), Tensor::from_slice(context, &labels, &[8]).unwrap())
}

fn step(context: &Context, network: &dyn Module, optimizer: &mut dyn Optimizer, at: u64) {
    let (x, labels) = batch(context, at % 16);
    let logits = network.forward(&x, &Pass::train(9, at)).unwrap();
    let loss = logits.cross_entropy(&labels, None, &CrossEntropy::default()).unwrap();
    optimizer.step(&mut loss.backward().unwrap(), 0.01).unwrap();
}

#[test]
fn memory_does_not_grow_over_a_thousand_steps() {
    let context = context();
    let store = ParameterStore::new(&context, 5);
    let network = build("small_cnn", &store, Options::new(IMAGE, 3)).unwrap();
    let op = ops::Sgd { momentum: 0.9, ..Default::default() };
    let mut optimizer = Sgd::new(store.parameters(), op).unwrap();
    let mut after_20 = None;
    for at in 0..1000 {
        step(&context, &*network.module, &mut optimizer, at);
        if at == 20 {
            after_20 = Some(context.memory());
        }
    }
    let (before, after) = (after_20.unwrap(), context.memory());
    // What a launch binds is found again: the last step made nothing new.
    let made = context.bind_groups_made();
    step(&context, &*network.module, &mut optimizer, 1000);
    assert_eq!(context.bind_groups_made(), made);
    assert_eq!(before.high_water, after.high_water, "{before:?} {after:?}");
    assert_eq!(before.allocations, after.allocations);
}

/// A network with everything that draws random numbers.
struct Random {
    conv: Conv2d,
    dropout: Dropout,
    fc: Linear,
}

impl Layer for Random {
    fn forward(&self, x: &Var, pass: &Pass) -> tilewright::nn::Result<Var> {
        let x = self.dropout.forward(&self.conv.forward(x, pass)?.relu()?, pass)?;
        self.fc.forward(&x.flatten(1)?, pass)
    }
}

fn train(seed: u64) -> StateDict {
    let context = context();
    let store = ParameterStore::new(&context, seed);
    let root = store.root();
    let network = Random {
        conv: Conv2d::new(&(&root / "conv"), 1, 6, [3, 3], Conv2dOptions::default()).unwrap(),
        dropout: Dropout::new(0.3).unwrap(),
        fc: Linear::new(&(&root / "fc"), 6 * 36, 3).unwrap(),
    };
    let mut optimizer = AdamW::new(store.parameters(), ops::AdamW::default()).unwrap();
    for at in 0..30 {
        step(&context, &network, &mut optimizer, at);
    }
    StateDict::of(&store).unwrap()
}

#[test]
fn the_same_seed_gives_the_same_bits() {
    assert_eq!(train(1), train(1));
    assert_ne!(train(1), train(2));
}

#[test]
fn a_step_leaves_what_was_taken_before_as_it_was() {
    let context = context();
    let store = ParameterStore::new(&context, 1);
    let parameter = store.root().parameter("weight", &[4], Init::Constant(1.0)).unwrap();
    let mut optimizer =
        Sgd::new(store.parameters(), ops::Sgd { momentum: 0.9, ..Default::default() }).unwrap();
    let loss = || parameter.var(&Pass::train(0, 0)).unwrap().scale(3.0).unwrap().sum(&[0], false).unwrap();
    let before = parameter.tensor().unwrap();
    let reshaped = before.reshape(&[2, 2]).unwrap();
    let detached = parameter.var(&Pass::train(0, 0)).unwrap().detach();
    // A tape that is walked after the step multiplies by the weight that the forward pass saw.
    let weight = parameter.var(&Pass::train(0, 0)).unwrap();
    let late = weight.mul(&weight).unwrap().sum(&[0], false).unwrap();
    optimizer.step(&mut loss().backward().unwrap(), 0.1).unwrap();
    let values = |tensor: &Tensor| tensor.to_vec::<f32>().unwrap();
    assert_eq!(values(&parameter.tensor().unwrap()), [0.7; 4]);
    for kept in [&before, &reshaped, detached.tensor()] {
        assert_eq!(values(kept), [1.0; 4]);
    }
    assert_eq!(values(late.backward().unwrap().get(&weight).unwrap()), [2.0; 4]);
    // Memory that nobody else holds is changed where it lies.
    drop((before, reshaped, detached, weight, late));
    let place = parameter.tensor().unwrap().buffer().raw().clone();
    optimizer.step(&mut loss().backward().unwrap(), 0.1).unwrap();
    assert_eq!(*parameter.tensor().unwrap().buffer().raw(), place);
}

#[test]
fn a_parameter_takes_any_layout_and_no_other_type() {
    let (context, other) = (context(), self::context());
    let store = ParameterStore::new(&context, 1);
    let parameter = store.root().parameter("weight", &[2, 3, 2, 2], Init::Normal(1.0)).unwrap();
    let mut optimizer = AdamW::new(store.parameters(), ops::AdamW::default()).unwrap();
    let (value, numbers) = common::random_tensor(&context, 3, &[2, 3, 2, 2]);
    parameter.set(value.to_layout(Layout::ChannelsLast).unwrap()).unwrap();
    assert_eq!(parameter.tensor().unwrap().to_vec::<f32>().unwrap(), numbers);
    let x = Var::constant(Tensor::ones(&context, &[1, 3, 2, 2]).unwrap());
    let y = x.conv2d(&parameter.var(&Pass::train(0, 0)).unwrap(), None, &ops::Conv2d::default()).unwrap();
    optimizer.step(&mut y.sum(&[], false).unwrap().backward().unwrap(), 0.1).unwrap();
    assert!(parameter.set(value.cast(DType::I32).unwrap()).is_err());
    assert!(parameter.set(Tensor::zeros(&other, &[2, 3, 2, 2]).unwrap()).is_err());
    assert!(matches!(
        parameter.set(Tensor::zeros(&context, &[2]).unwrap()),
        Err(Error::ParameterShape { .. })
    ));
}

#[test]
fn an_optimizer_refuses_anothers_state_and_keeps_its_own() {
    let context = context();
    let store = ParameterStore::new(&context, 5);
    let network = build("small_cnn", &store, Options::new(IMAGE, 3)).unwrap();
    let mut sgd = Sgd::new(store.parameters(), ops::Sgd { momentum: 0.9, ..Default::default() }).unwrap();
    let mut adamw = AdamW::new(store.parameters(), ops::AdamW::default()).unwrap();
    step(&context, &*network.module, &mut sgd, 0);
    step(&context, &*network.module, &mut adamw, 1);
    let (of_sgd, of_adamw) = (sgd.state().unwrap(), adamw.state().unwrap());
    assert!(matches!(adamw.load_state(&of_sgd, "file"), Err(Error::StateDict { .. })));
    assert!(matches!(sgd.load_state(&of_adamw, "file"), Err(Error::StateDict { .. })));
    let mut cut = of_adamw.clone();
    cut.tensors.remove("fc.bias.exp_avg_sq").unwrap();
    assert!(matches!(adamw.load_state(&cut, "file"), Err(Error::StateDict { .. })));
    assert_eq!((sgd.state().unwrap(), adamw.state().unwrap()), (of_sgd.clone(), of_adamw.clone()));
    adamw.load_state(&of_adamw, "file").unwrap();
    sgd.load_state(&of_sgd, "file").unwrap();
}

#[test]
fn networks_of_impossible_sizes_are_errors() {
    let context = context();
    for (image, classes) in [
        ([1 << 40, 28, 28], 10),
        ([1, 1 << 40, 1 << 40], 10),
        ([1, usize::MAX, usize::MAX], 10),
        ([usize::MAX, 28, 28], 10),
        ([1, 28, 28], usize::MAX),
    ] {
        for name in ["small_cnn", "resnet20"] {
            let store = ParameterStore::new(&context, 5);
            let outcome = build(name, &store, Options::new(image, classes));
            // The size of ResNet's layers does not depend on the image.
            if name == "small_cnn" || image[0] > 1 || classes > 10 {
                assert!(outcome.is_err(), "{name}, {image:?}, {classes} classes");
            }
        }
    }
}

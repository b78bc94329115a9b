//! A thousand steps of training: memory does not grow, and the same seed gives the same bits.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{context, random};
use tilewright::{
    Context, ParameterStore, Pass, Tensor, Var,
    nn::{
        Module, StateDict,
        layers::{Conv2d, Conv2dOptions, Dropout, Linear},
        optim::{AdamW, Optimizer, Sgd},
    },
    ops::{self, CrossEntropy},
    zoo::{Options, Shortcut, build},
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
    let network =
        build("small_cnn", &store, Options { image: IMAGE, classes: 3, shortcut: Shortcut::default() })
            .unwrap();
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
    assert_eq!(before.high_water, after.high_water, "{before:?} {after:?}");
    assert_eq!(before.allocations, after.allocations);
}

/// A network with everything that draws random numbers.
struct Random {
    conv: Conv2d,
    dropout: Dropout,
    fc: Linear,
}

impl Module for Random {
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

//! A zoo network on random numbers: what is run where only time counts.

use tilewright_autograd::Var;
use tilewright_nn::{
    ParameterStore, Pass,
    optim::{Optimizer, Sgd},
};
use tilewright_ops::{self as ops, CrossEntropy};
use tilewright_runtime::Context;
use tilewright_tensor::Tensor;
use tilewright_zoo::{Network, Options, build};

use crate::error::Result;

/// Classes of ImageNet, for which the networks were made.
const CLASSES: usize = 1000;
/// Small: the numbers shall stay numbers.
const LEARNING_RATE: f32 = 1e-4;

/// A network, its input, and what a training step needs.
pub struct Workload {
    network: Network,
    x: Tensor,
    target: Tensor,
    optimizer: Sgd,
    step: u64,
}

impl Workload {
    /// The network `name` with fresh parameters, for images of `shape`, N C H W.
    pub fn new(context: &Context, name: &str, shape: [usize; 4]) -> Result<Self> {
        let [n, c, h, w] = shape;
        let store = ParameterStore::new(context, 0);
        let options = Options::new([c, h, w], CLASSES);
        let network = build(name, &store, options)?;
        let count = tilewright_ops::element_count("input", &shape)?;
        let values: Vec<f32> =
            (0..count).map(|i| ((i * 2_654_435_761) % 2003) as f32 / 1001.0 - 1.0).collect();
        let labels: Vec<i32> = (0..n).map(|image| (image * 37 % CLASSES) as i32).collect();
        let x = Tensor::from_slice(context, &values, &shape)?;
        let target = Tensor::from_slice(context, &labels, &[n])?;
        let op =
            ops::Sgd { lr: LEARNING_RATE, momentum: 0.9, nesterov: true, weight_decay: 5e-4, dampening: 0.0 };
        let optimizer = Sgd::new(store.parameters(), op)?;
        Ok(Self { network, x, target, optimizer, step: 0 })
    }

    /// One inference, waited for.
    pub fn infer(&self) -> Result<()> {
        let y = self.network.module.forward(&Var::constant(self.x.clone()), &Pass::eval())?;
        Ok(y.tensor().context().synchronize()?)
    }

    /// One step of training, waited for.
    pub fn train(&mut self) -> Result<()> {
        let pass = Pass::train(0, self.step);
        self.step += 1;
        let logits = self.network.module.forward(&Var::constant(self.x.clone()), &pass)?;
        let loss = logits.cross_entropy(&self.target, None, &CrossEntropy::default())?;
        self.optimizer.step(&mut loss.backward()?, LEARNING_RATE)?;
        Ok(self.x.context().synchronize()?)
    }
}

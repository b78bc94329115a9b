//! Two convolutions with batch normalisation, two poolings, one linear layer: enough for small grey images.

use tilewright_autograd::Var;
use tilewright_nn::{
    Layer, Pass, Result, Scope,
    init::{Fan, Init},
    layers::{BatchNorm2d, Conv2d, Conv2dOptions, Linear, MaxPool2d},
};
use tilewright_ops::{Pool2d, element_count};

/// `conv1 bn1 relu pool conv2 bn2 relu pool fc`: widths 16 and 32.
pub struct SmallCnn {
    conv1: Conv2d,
    bn1: BatchNorm2d,
    conv2: Conv2d,
    bn2: BatchNorm2d,
    pool: MaxPool2d,
    fc: Linear,
}

impl SmallCnn {
    /// For images of `channels` × `height` × `width`.
    pub fn new(scope: &Scope, [channels, height, width]: [usize; 3], classes: usize) -> Result<Self> {
        let options = Conv2dOptions::default()
            .padding(1)
            .no_bias()
            .init(Init::KaimingNormal(Fan::Out, Init::RELU_GAIN));
        let features = element_count("small_cnn", &[32, height / 4, width / 4])?;
        Ok(Self {
            conv1: Conv2d::new(&(scope / "conv1"), channels, 16, [3, 3], options)?,
            bn1: BatchNorm2d::new(&(scope / "bn1"), 16)?,
            conv2: Conv2d::new(&(scope / "conv2"), 16, 32, [3, 3], options)?,
            bn2: BatchNorm2d::new(&(scope / "bn2"), 32)?,
            pool: MaxPool2d(Pool2d::new([2, 2])),
            fc: Linear::new(&(scope / "fc"), features, classes)?,
        })
    }
}

impl Layer for SmallCnn {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        let x = self.bn1.forward_relu(&self.conv1.forward(x, pass)?, pass)?;
        let x = self.pool.forward(&x, pass)?;
        let x = self.bn2.forward_relu(&self.conv2.forward(&x, pass)?, pass)?;
        let x = self.pool.forward(&x, pass)?;
        self.fc.forward(&x.flatten(1)?, pass)
    }
}

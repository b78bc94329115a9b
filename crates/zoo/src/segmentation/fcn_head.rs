//! The head of a fully convolutional network (Long et al., arXiv 1411.4038), which is also the auxiliary head of others.

use tilewright_autograd::Var;
use tilewright_nn::{
    Layer, Pass, Result, Scope, Tap,
    init::Init,
    layers::{Conv2d, Conv2dOptions, Dropout},
};
use tilewright_ops::UnaryOp;

use crate::blocks::conv_norm::{ConvNorm, ConvNormConfig};

/// `0`, `1` to a quarter of the channels, and `4` to the classes.
pub(super) struct FcnHead {
    conv: ConvNorm,
    dropout: Dropout,
    classes: Conv2d,
    tap: Tap,
}

impl FcnHead {
    pub fn new(scope: &Scope, inputs: usize, classes: usize, dropout: Option<f32>) -> Result<Self> {
        let inner = inputs / 4;
        let conv = ConvNormConfig::new(3, Some(UnaryOp::Relu)).init(Init::DEFAULT_WEIGHT);
        Ok(Self {
            conv: ConvNorm::named([&(scope / 0), &(scope / 1)], inputs, inner, conv)?.at(&(scope / 2)),
            dropout: Dropout::new(dropout.unwrap_or(0.1))?,
            classes: Conv2d::new(&(scope / 4), inner, classes, [1, 1], Conv2dOptions::default())?,
            tap: Tap::new(scope),
        })
    }
}

impl Layer for FcnHead {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        let x = self.dropout.forward(&self.conv.forward(x, pass)?, pass)?;
        Ok(self.tap.give(self.classes.forward(&x, pass)?, pass))
    }
}

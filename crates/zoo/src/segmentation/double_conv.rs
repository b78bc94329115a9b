//! The two 3×3 convolutions of a U-Net's stage, each with a BatchNorm and a ReLU.

use tilewright_autograd::Var;
use tilewright_nn::{
    Layer, Pass, Result, Scope,
    init::{Fan, Init},
};
use tilewright_ops::UnaryOp;

use crate::blocks::conv_norm::{ConvNorm, ConvNormConfig};

/// Two convolutions that keep the size.
pub(super) struct DoubleConv([ConvNorm; 2]);

impl DoubleConv {
    /// The scopes of the first convolution and its BatchNorm, then of the second and its own.
    pub fn new(scopes: [Scope; 4], inputs: usize, outputs: usize) -> Result<Self> {
        let [first, first_norm, second, second_norm] = &scopes;
        let start = Init::KaimingNormal(Fan::In, Init::RELU_GAIN);
        let config = ConvNormConfig::new(3, Some(UnaryOp::Relu)).init(start);
        Ok(Self([
            ConvNorm::named([first, first_norm], inputs, outputs, config)?,
            ConvNorm::named([second, second_norm], outputs, outputs, config)?,
        ]))
    }

    /// The same with the outputs of the two found under further paths.
    pub fn at(self, ends: [&[&Scope]; 2]) -> Self {
        let [first, second] = self.0;
        let found =
            |conv: ConvNorm, scopes: &[&Scope]| scopes.iter().fold(conv, |conv, scope| conv.at(scope));
        Self([found(first, ends[0]), found(second, ends[1])])
    }
}

impl Layer for DoubleConv {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        self.0[1].forward(&self.0[0].forward(x, pass)?, pass)
    }
}

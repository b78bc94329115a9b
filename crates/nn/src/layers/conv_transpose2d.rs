//! Transposed convolution.

use std::sync::Arc;

use tilewright_autograd::Var;
use tilewright_ops as ops;

use crate::{
    error::Error, error::Result, init::Init, module::Layer, parameter::Parameter, pass::Pass, store::Scope,
    tap::Tap,
};

/// A 2-D transposed convolution with its weight (I, O / groups, KH, KW) and bias: PyTorch's `ConvTranspose2d`. A kernel of 2
/// with a stride of 2 doubles height and width.
#[derive(Debug)]
pub struct ConvTranspose2d {
    weight: Arc<Parameter>,
    bias: Option<Arc<Parameter>>,
    op: ops::ConvTranspose2d,
    tap: Tap,
}

/// The options of [`ConvTranspose2d`].
#[derive(Clone, Copy, Debug)]
pub struct ConvTranspose2dOptions {
    /// Stride, padding, output padding, dilation, groups.
    pub op: ops::ConvTranspose2d,
    /// Whether there is a bias.
    pub bias: bool,
    /// How the weight starts.
    pub init: Init,
}

impl Default for ConvTranspose2dOptions {
    /// PyTorch's: stride 1, no padding, with a bias.
    fn default() -> Self {
        Self { op: ops::ConvTranspose2d::default(), bias: true, init: Init::DEFAULT_WEIGHT }
    }
}

impl ConvTranspose2dOptions {
    /// The same stride on both axes.
    pub fn stride(mut self, stride: usize) -> Self {
        self.op.stride = [stride; 2];
        self
    }

    /// The same padding on both axes: what is cut off each side of the output.
    pub fn padding(mut self, padding: usize) -> Self {
        self.op.padding = [padding; 2];
        self
    }

    /// Another start of the weight.
    pub fn init(mut self, init: Init) -> Self {
        self.init = init;
        self
    }

    /// Without a bias, as before a BatchNorm.
    pub fn no_bias(mut self) -> Self {
        self.bias = false;
        self
    }
}

impl ConvTranspose2d {
    /// Makes `weight` and `bias` under `scope`.
    ///
    /// # Errors
    /// [`Error::Option`] if the groups do not divide the channels; what the device says of the sizes.
    pub fn new(
        scope: &Scope,
        in_channels: usize,
        out_channels: usize,
        kernel: [usize; 2],
        options: ConvTranspose2dOptions,
    ) -> Result<Self> {
        let groups = options.op.groups;
        if groups == 0 || !in_channels.is_multiple_of(groups) || !out_channels.is_multiple_of(groups) {
            return Err(Error::Option {
                layer: format!("ConvTranspose2d `{}`", scope.path()),
                option: "groups",
                value: groups.to_string(),
                hint: "it must divide the input and the output channels",
            });
        }
        let shape = [in_channels, out_channels / groups, kernel[0], kernel[1]];
        let weight = scope.parameter("weight", &shape, options.init)?;
        // PyTorch counts the inputs of a unit by the weight's second axis here too.
        let fan_in: usize = shape[1..].iter().product();
        let bias = options.bias.then(|| scope.parameter("bias", &[out_channels], Init::default_bias(fan_in)));
        Ok(Self { weight, bias: bias.transpose()?, op: options.op, tap: Tap::new(scope) })
    }
}

impl Layer for ConvTranspose2d {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        self.tap.take(x, pass);
        let bias = self.bias.as_ref().map(|bias| bias.var(pass)).transpose()?;
        let y = x.conv_transpose2d(&self.weight.var(pass)?, bias.as_ref(), &self.op)?;
        Ok(self.tap.give(y, pass))
    }
}

//! Convolution.

use std::sync::Arc;

use tilewright_autograd::Var;
use tilewright_ops as ops;

use crate::{
    error::Error, error::Result, init::Init, module::Layer, parameter::Parameter, pass::Pass, store::Scope,
    tap::Tap,
};

/// A 2-D convolution with its weight (O I H W) and bias.
#[derive(Debug)]
pub struct Conv2d {
    weight: Arc<Parameter>,
    bias: Option<Arc<Parameter>>,
    op: ops::Conv2d,
    tap: Tap,
}

/// The options of [`Conv2d`].
#[derive(Clone, Copy, Debug)]
pub struct Conv2dOptions {
    /// Stride, padding, dilation, groups.
    pub op: ops::Conv2d,
    /// Whether there is a bias.
    pub bias: bool,
    /// How the weight starts.
    pub init: Init,
    /// How the bias starts; `None` is PyTorch's default by the fan in.
    pub bias_init: Option<Init>,
}

impl Default for Conv2dOptions {
    /// PyTorch's: stride 1, no padding, with a bias.
    fn default() -> Self {
        Self { op: ops::Conv2d::default(), bias: true, init: Init::DEFAULT_WEIGHT, bias_init: None }
    }
}

impl Conv2dOptions {
    /// The same stride on both axes.
    pub fn stride(mut self, stride: usize) -> Self {
        self.op.stride = [stride; 2];
        self
    }

    /// The same padding on both axes.
    pub fn padding(mut self, padding: usize) -> Self {
        self.op.padding = [padding; 2];
        self
    }

    /// The same dilation on both axes.
    pub fn dilation(mut self, dilation: usize) -> Self {
        self.op.dilation = [dilation; 2];
        self
    }

    /// Groups of channels that do not see one another.
    pub fn groups(mut self, groups: usize) -> Self {
        self.op.groups = groups;
        self
    }

    /// Without a bias, as before a BatchNorm.
    pub fn no_bias(mut self) -> Self {
        self.bias = false;
        self
    }

    /// Another start of the weight.
    pub fn init(mut self, init: Init) -> Self {
        self.init = init;
        self
    }

    /// Another start of the bias.
    pub fn bias_init(mut self, init: Init) -> Self {
        self.bias_init = Some(init);
        self
    }
}

impl Conv2d {
    /// Makes `weight` and `bias` under `scope`.
    ///
    /// # Errors
    /// [`Error::Option`] if the groups do not divide the channels.
    pub fn new(
        scope: &Scope,
        in_channels: usize,
        out_channels: usize,
        kernel: [usize; 2],
        options: Conv2dOptions,
    ) -> Result<Self> {
        let groups = options.op.groups;
        if groups == 0 || !in_channels.is_multiple_of(groups) || !out_channels.is_multiple_of(groups) {
            return Err(Error::Option {
                layer: format!("Conv2d `{}`", scope.path()),
                option: "groups",
                value: groups.to_string(),
                hint: "it must divide the input and the output channels",
            });
        }
        let shape = [out_channels, in_channels / groups, kernel[0], kernel[1]];
        let weight = scope.parameter("weight", &shape, options.init)?;
        let fan_in: usize = shape[1..].iter().product();
        let start = options.bias_init.unwrap_or_else(|| Init::default_bias(fan_in));
        let bias = options.bias.then(|| scope.parameter("bias", &[out_channels], start));
        Ok(Self { weight, bias: bias.transpose()?, op: options.op, tap: Tap::new(scope) })
    }
}

impl Layer for Conv2d {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        self.tap.take(x, pass);
        let bias = self.bias.as_ref().map(|bias| bias.var(pass)).transpose()?;
        let weight = self.weight.var(pass)?;
        if pass.stores_half() {
            let op = ops::Op::Conv2d {
                op: self.op,
                bias: bias.is_some(),
                residual: false,
                activation: None,
                pool: None,
            };
            let inputs: Vec<_> = [x, &weight].into_iter().chain(&bias).collect();
            return Ok(self.tap.give(pass.run(&op, &inputs)?.swap_remove(0), pass));
        }
        Ok(self.tap.give(x.conv2d(&weight, bias.as_ref(), &self.op)?, pass))
    }
}

//! Layer normalisation (Ba et al., arXiv 1607.06450).

use std::sync::Arc;

use tilewright_autograd::Var;

use crate::{
    error::Error, error::Result, init::Init, module::Layer, parameter::Parameter, pass::Pass, store::Scope,
    tap::Tap,
};

/// Normalises over the last axes, each place with a weight and bias of its own.
#[derive(Debug)]
pub struct LayerNorm {
    weight: Arc<Parameter>,
    bias: Arc<Parameter>,
    eps: f32,
    tap: Tap,
}

/// Normalises each pixel over its channels: [`LayerNorm`] of N C H W along C, as ConvNeXt has it.
#[derive(Debug)]
pub struct LayerNorm2d {
    weight: Arc<Parameter>,
    bias: Arc<Parameter>,
    eps: f32,
    tap: Tap,
}

impl LayerNorm {
    /// Makes `weight` and `bias` of `shape`, the extents of the axes that are normalised, under `scope`. PyTorch's eps is
    /// 1e-5.
    ///
    /// # Errors
    /// [`Error::Option`] for no axis; what the device says.
    pub fn new(scope: &Scope, shape: &[usize], eps: f32) -> Result<Self> {
        if shape.is_empty() {
            return Err(Error::Option {
                layer: format!("LayerNorm `{}`", scope.path()),
                option: "shape",
                value: "[]".to_owned(),
                hint: "it must have an axis at least",
            });
        }
        let (weight, bias) = affine(scope, shape)?;
        Ok(Self { weight, bias, eps, tap: Tap::new(scope) })
    }
}

impl LayerNorm2d {
    /// Makes `weight` and `bias` under `scope`, one for each channel.
    pub fn new(scope: &Scope, channels: usize, eps: f32) -> Result<Self> {
        let (weight, bias) = affine(scope, &[channels])?;
        Ok(Self { weight, bias, eps, tap: Tap::new(scope) })
    }
}

fn affine(scope: &Scope, shape: &[usize]) -> Result<(Arc<Parameter>, Arc<Parameter>)> {
    let weight = scope.parameter("weight", shape, Init::Constant(1.0))?;
    Ok((weight, scope.parameter("bias", shape, Init::Constant(0.0))?))
}

impl Layer for LayerNorm {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        let (weight, bias) = (self.weight.var(pass)?, self.bias.var(pass)?);
        let first = x.shape().len().saturating_sub(weight.shape().len());
        Ok(self.tap.give(x.layer_norm(first, Some(&weight), Some(&bias), self.eps)?.y, pass))
    }
}

impl Layer for LayerNorm2d {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        let (weight, bias) = (self.weight.var(pass)?, self.bias.var(pass)?);
        let y = x.standardize(&[1], self.eps)?.y;
        let y = y.mul(&weight.reshape(&[-1, 1, 1])?)?.add(&bias.reshape(&[-1, 1, 1])?)?;
        Ok(self.tap.give(y, pass))
    }
}

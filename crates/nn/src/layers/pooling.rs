//! Pooling.

use tilewright_autograd::Var;
use tilewright_ops::{self as ops, Pool2d};

use crate::{error::Result, module::Layer, pass::Pass};

/// The largest element of each window.
#[derive(Clone, Copy, Debug)]
pub struct MaxPool2d(pub Pool2d);

/// The mean of each window.
#[derive(Clone, Copy, Debug)]
pub struct AvgPool2d(pub Pool2d);

/// The means of as many windows as the output has pixels; one pixel is the global mean.
#[derive(Clone, Copy, Debug)]
pub struct AdaptiveAvgPool2d(pub [usize; 2]);

impl Layer for MaxPool2d {
    fn forward(&self, x: &Var, _: &Pass) -> Result<Var> {
        Ok(x.max_pool2d(&self.0)?)
    }
}

impl Layer for AvgPool2d {
    fn forward(&self, x: &Var, _: &Pass) -> Result<Var> {
        Ok(x.avg_pool2d(&self.0)?)
    }
}

impl Layer for AdaptiveAvgPool2d {
    fn forward(&self, x: &Var, _: &Pass) -> Result<Var> {
        Ok(x.adaptive_avg_pool2d(ops::AdaptiveAvgPool2d { output: self.0 })?)
    }
}

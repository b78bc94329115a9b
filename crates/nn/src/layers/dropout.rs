//! Dropout (Srivastava et al., 2014): of elements, of channels (Tompson et al., arXiv 1411.4280), and of whole branches
//! (stochastic depth: Huang et al., arXiv 1603.09382).

use tilewright_autograd::Var;
use tilewright_ops as ops;
use tilewright_tensor::Tensor;

use crate::{error::Result, module::Layer, pass::Pass};

/// In training, sets each element to zero with probability `p` and scales the rest by 1 / (1 − p).
#[derive(Clone, Copy, Debug)]
pub struct Dropout(ops::Dropout);

/// In training, sets each channel of each image (N C …) to zero with probability `p` and scales the rest by 1 / (1 − p).
#[derive(Clone, Copy, Debug)]
pub struct Dropout2d(ops::Dropout);

/// In training, sets each image of the batch to zero with probability `p` and scales the rest by 1 / (1 − p): at the end of
/// a residual branch, of which the shortcut alone is left. torchvision's mode `row`.
#[derive(Clone, Copy, Debug)]
pub struct StochasticDepth(ops::Dropout);

fn checked(p: f32) -> Result<ops::Dropout> {
    let op = ops::Dropout { p };
    op.check()?;
    Ok(op)
}

impl Dropout {
    /// Drops with probability `p`.
    ///
    /// # Errors
    /// A shape error if `p` is not within 0..=1.
    pub fn new(p: f32) -> Result<Self> {
        Ok(Self(checked(p)?))
    }
}

impl Dropout2d {
    /// Drops with probability `p`.
    ///
    /// # Errors
    /// As [`Dropout::new`].
    pub fn new(p: f32) -> Result<Self> {
        Ok(Self(checked(p)?))
    }
}

impl StochasticDepth {
    /// Drops with probability `p`.
    ///
    /// # Errors
    /// As [`Dropout::new`].
    pub fn new(p: f32) -> Result<Self> {
        Ok(Self(checked(p)?))
    }
}

impl Layer for Dropout {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        if !pass.is_training() || self.0.p == 0.0 {
            return Ok(x.clone());
        }
        let (seed, stream) = pass.draw();
        Ok(x.dropout(&self.0, seed, stream)?)
    }
}

impl Layer for Dropout2d {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        drop_together(&self.0, 2, x, pass)
    }
}

impl Layer for StochasticDepth {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        drop_together(&self.0, 1, x, pass)
    }
}

/// Drops together what shares its place on the first `axes`.
fn drop_together(op: &ops::Dropout, axes: usize, x: &Var, pass: &Pass) -> Result<Var> {
    if !pass.is_training() || op.p == 0.0 {
        return Ok(x.clone());
    }
    let mut shape = x.shape().to_vec();
    shape.iter_mut().skip(axes).for_each(|extent| *extent = 1);
    let (seed, stream) = pass.draw();
    let ones = Var::constant(Tensor::ones(x.tensor().context(), &shape)?);
    Ok(x.mul(&ones.dropout(op, seed, stream)?)?)
}

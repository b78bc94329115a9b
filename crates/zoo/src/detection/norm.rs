//! Batch normalisation as Darknet computes it.

use std::sync::Arc;

use tilewright_autograd::Var;
use tilewright_nn::{Error, Parameter, Pass, Result, Scope, Tap, init::Init};
use tilewright_ops::{BatchNorm, UnaryOp};
use tilewright_tensor::{BatchNormCall, Tensor};

/// What is added to a deviation.
const ADDED: f32 = 1e-6;

/// Weight of the new batch in the running statistics.
const MOMENTUM: f32 = 0.01;

/// y = weight · (x − mean) / (√variance + 1e-6) + bias, of each channel of N C H W.
///
/// Training takes the batch's mean and its variance with the divisor n − 1, and renews the running statistics by a hundredth of
/// the same; inference takes the running ones. PyTorch's and ours of `nn` add to the variance, under the root, and normalise by
/// the divisor n.
pub(super) struct Norm {
    weight: Arc<Parameter>,
    bias: Arc<Parameter>,
    running_mean: Arc<Parameter>,
    running_var: Arc<Parameter>,
    tap: Tap,
}

impl Norm {
    pub fn new(scope: &Scope, channels: usize) -> Result<Self> {
        Ok(Self {
            weight: scope.parameter("weight", &[channels], Init::Constant(1.0))?,
            bias: scope.parameter("bias", &[channels], Init::Constant(0.0))?,
            running_mean: scope.buffer("running_mean", &[channels], Init::Constant(0.0))?,
            running_var: scope.buffer("running_var", &[channels], Init::Constant(1.0))?,
            tap: Tap::new(scope),
        })
    }

    /// The normalised `x` and a function of it.
    pub fn forward(&self, x: &Var, pass: &Pass, activation: Option<UnaryOp>) -> Result<Var> {
        let trains = pass.is_training() && self.running_mean.is_tracked();
        if !trains && !self.tap.is_wanted(pass) {
            return Ok(self.tap.give(self.by_running(x, pass, activation)?, pass));
        }
        let y = if trains { self.by_batch(x, pass)? } else { self.by_running(x, pass, None)? };
        let y = self.tap.give(y, pass);
        Ok(activation.map_or_else(|| Ok(y.clone()), |function| y.unary(function))?)
    }

    /// The operation of `nn` with a variance whose root is Darknet's divisor, and nothing added to it.
    fn by_running(&self, x: &Var, pass: &Pass, activation: Option<UnaryOp>) -> Result<Var> {
        let root = self.running_var.tensor()?.unary(UnaryOp::Sqrt)?;
        let divisor = root.unary(UnaryOp::AddScalar { value: ADDED })?;
        let call = BatchNormCall { op: BatchNorm { eps: 0.0, momentum: MOMENTUM }, activation };
        let (weight, bias, mean) =
            (self.weight.var(pass)?, self.bias.var(pass)?, self.running_mean.tensor()?);
        Ok(x.batch_norm_eval(&weight, &bias, &mean, &divisor.unary(UnaryOp::Square)?, call)?)
    }

    fn by_batch(&self, x: &Var, pass: &Pass) -> Result<Var> {
        const AXES: [usize; 3] = [0, 2, 3];
        let &[batch, channels, height, width] = x.shape() else {
            let (op, operand, shape) = ("batch_norm", "x", x.shape().to_vec());
            return Err(
                tilewright_ops::ShapeError::Rank { op, operand, shape, expected: "four: N C H W" }.into()
            );
        };
        if batch * height * width < 2 {
            return Err(Error::Option {
                layer: format!("BatchNorm `{}`", self.weight.path()),
                option: "batch",
                value: format!("{batch} of {height}×{width}"),
                hint: "training divides by the numbers of a channel less one: take more images, or larger ones",
            });
        }
        let (variance, mean) = x.var_mean(&AXES, 1, true)?;
        // Of no spread the root's gradient would be infinite: it is 0, and the root 1e-12, which 1e-6 is added to.
        let root = variance.unary(UnaryOp::Clamp { min: 1e-24, max: f32::MAX })?.unary(UnaryOp::Sqrt)?;
        let normal = x.sub(&mean)?.div(&root.unary(UnaryOp::AddScalar { value: ADDED })?)?;
        let of_channels = |parameter: &Parameter| -> Result<Var> {
            Ok(parameter.var(pass)?.reshape(&[1, channels as isize, 1, 1])?)
        };
        let y = normal.mul(&of_channels(&self.weight)?)?.add(&of_channels(&self.bias)?)?;
        // The first run of a checkpointed part has renewed them.
        if !pass.is_recomputing() {
            renew(&self.running_mean, mean.tensor())?;
            renew(&self.running_var, variance.tensor())?;
        }
        Ok(y)
    }
}

/// 0.99 of what was there and 0.01 of the batch's.
fn renew(running: &Parameter, batch: &Tensor) -> Result<()> {
    let scaled = |tensor: &Tensor, value| tensor.unary(UnaryOp::MulScalar { value });
    let batch = scaled(batch, MOMENTUM)?.reshape(&[-1])?;
    running.set(scaled(&running.tensor()?, 1.0 - MOMENTUM)?.add(&batch)?)
}

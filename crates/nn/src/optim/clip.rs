//! Gradients that are held within bounds.

use std::sync::Arc;

use tilewright_autograd::Gradients;
use tilewright_ops::{BinaryOp, UnaryOp};
use tilewright_tensor::{Tensor, ops::optimizer::total_norm};

use crate::{error::Error, error::Result, parameter::Parameter};

/// What is added to the norm before it divides: PyTorch's 1e-6.
const SMALL: f32 = 1e-6;

/// How gradients are clipped before a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Clip {
    /// As [`clip_grad_norm`].
    Norm {
        /// The largest norm.
        max_norm: f32,
        /// Which norm: 2, or any above 0, infinity included.
        norm_type: f32,
        /// Whether a norm that is infinite or NaN is an error, which waits for the device at every step.
        error_if_nonfinite: bool,
    },
    /// As [`clip_grad_value`].
    Value(f32),
}

impl Clip {
    /// The Euclidean norm at most this; a norm that is no number is no error.
    pub fn norm(max_norm: f32) -> Self {
        Self::Norm { max_norm, norm_type: 2.0, error_if_nonfinite: false }
    }

    /// Clips the gradients of these parameters. Gives the norm, on the device, where there is one.
    ///
    /// # Errors
    /// Those of [`clip_grad_norm`] and [`clip_grad_value`].
    pub fn apply(&self, parameters: &[Arc<Parameter>], gradients: &mut Gradients) -> Result<Option<Tensor>> {
        match *self {
            Self::Norm { max_norm, norm_type, error_if_nonfinite } => {
                clip_grad_norm(parameters, gradients, max_norm, norm_type, error_if_nonfinite)
            }
            Self::Value(most) => clip_grad_value(parameters, gradients, most).map(|()| None),
        }
    }

    /// Whether the numbers make sense.
    ///
    /// # Errors
    /// [`Error::Option`].
    pub fn check(&self) -> Result<()> {
        let (bound, norm_type) = match *self {
            Self::Norm { max_norm, norm_type, .. } => (("max_norm", max_norm), norm_type),
            Self::Value(most) => (("clip_value", most), 2.0),
        };
        require(bound.0, bound.1, bound.1 >= 0.0, "it must be 0 or more")?;
        require("norm_type", norm_type, norm_type > 0.0, "it must be above 0, infinity included")
    }
}

fn require(option: &'static str, value: f32, holds: bool, hint: &'static str) -> Result<()> {
    if holds {
        return Ok(());
    }
    Err(Error::Option { layer: "gradient clipping".to_owned(), option, value: value.to_string(), hint })
}

/// Multiplies the gradients of `parameters` by `min(1, max_norm / (norm + 1e-6))`, where `norm` is that of all of them as one
/// vector: `torch.nn.utils.clip_grad_norm_`. The norm and the factor stay on the device and nothing waits for it, unless
/// `error_if_nonfinite`. Gives the norm before clipping, or nothing if there is no gradient. A norm that is NaN makes all
/// gradients NaN and an infinite one makes them 0 (or NaN, where they are infinite), as in PyTorch.
///
/// # Errors
/// [`Error::Option`] for a negative `max_norm`, or a `norm_type` that is not above 0; [`Error::NonFiniteNorm`] if asked for. What
/// the device reports.
pub fn clip_grad_norm(
    parameters: &[Arc<Parameter>],
    gradients: &mut Gradients,
    max_norm: f32,
    norm_type: f32,
    error_if_nonfinite: bool,
) -> Result<Option<Tensor>> {
    Clip::Norm { max_norm, norm_type, error_if_nonfinite }.check()?;
    let found: Vec<_> =
        parameters.iter().filter_map(|parameter| gradients.get_id(parameter.id())).cloned().collect();
    let Some(first) = found.first() else { return Ok(None) };
    let context = first.context().clone();
    let norm = total_norm(&context, &found.iter().collect::<Vec<_>>(), norm_type)?;
    if error_if_nonfinite {
        let value = norm.item()?;
        if !value.is_finite() {
            return Err(Error::NonFiniteNorm { norm: value, norm_type });
        }
    }
    drop(found);
    let factor = Tensor::full(&context, max_norm, &[])?
        .div(&norm.unary(UnaryOp::AddScalar { value: SMALL })?)?
        .binary(BinaryOp::Minimum, &Tensor::full(&context, 1.0, &[])?)?;
    for parameter in parameters {
        if let Some(gradient) = gradients.remove_id(parameter.id()) {
            gradients.insert_id(parameter.id(), gradient.mul(&factor)?);
        }
    }
    Ok(Some(norm))
}

/// Holds every number in the gradients of `parameters` between `-most` and `most`: `torch.nn.utils.clip_grad_value_`. A NaN
/// stays.
///
/// # Errors
/// [`Error::Option`] if `most` is negative or NaN. What the device reports.
pub fn clip_grad_value(parameters: &[Arc<Parameter>], gradients: &mut Gradients, most: f32) -> Result<()> {
    Clip::Value(most).check()?;
    for parameter in parameters {
        if let Some(gradient) = gradients.remove_id(parameter.id()) {
            let clipped = gradient.unary(UnaryOp::Clamp { min: -most, max: most })?;
            gradients.insert_id(parameter.id(), clipped);
        }
    }
    Ok(())
}

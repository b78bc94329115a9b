//! What can go wrong in differentiation.

use std::{any::Any, sync::Arc};

use thiserror::Error;

use crate::anomaly::Anomaly;

/// What every fallible call of this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure of an operation on variables, or of the way back.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The operation itself failed.
    #[error(transparent)]
    Tensor(#[from] tilewright_tensor::Error),
    /// `backward` was called on something that is no loss.
    #[error(
        "backward: the variable has shape {shape:?}; reduce it to one value, or use `backward_with` and a gradient"
    )]
    NotScalar {
        /// Its shape.
        shape: Vec<usize>,
    },
    /// Nothing on the way wants a gradient.
    #[error(
        "backward: the variable depends on no leaf; make the inputs or parameters leaves, and do not detach them"
    )]
    NoTape,
    /// The tape was used up by an earlier call.
    #[error(
        "backward: the saved tensors of `{op}` were freed by an earlier call; run the forward pass again"
    )]
    Freed {
        /// The operation whose rule is gone.
        op: &'static str,
    },
    /// The gradient that was given does not fit.
    #[error("{op}: the gradient has shape {found:?}, but the value has shape {expected:?}")]
    GradientShape {
        /// The operation.
        op: &'static str,
        /// The gradient's shape.
        found: Vec<usize>,
        /// The value's shape.
        expected: Vec<usize>,
    },
    /// A rule gave another number of gradients than it has inputs.
    #[error(
        "{op}: the rule gave {found} gradients for {expected} inputs; return `None` for an input that needs no gradient"
    )]
    GradientCount {
        /// The operation.
        op: &'static str,
        /// Gradients that came.
        found: usize,
        /// Inputs.
        expected: usize,
    },
    /// A gradient is wanted of an operation that has no backward rule.
    #[error(
        "{op}: it has no backward rule; detach its inputs if no gradient is meant, or give one with `Var::custom`"
    )]
    NoGradient {
        /// The operation.
        op: &'static str,
    },
    /// Something was asked of the gradient of a value that has none.
    #[error("{op}: the value is a constant; only a leaf, or what depends on one, has a gradient")]
    Constant {
        /// What was asked.
        op: &'static str,
    },
    /// The second call of a checkpointed function did not do what the first did.
    #[error(
        "checkpoint: the second call of the function differs from the first: {reason}; it must compute the same from the same"
    )]
    Recomputed {
        /// How.
        reason: &'static str,
    },
    /// A checkpointed function of another crate failed at its second call.
    #[error(transparent)]
    Function(Arc<dyn std::error::Error + Send + Sync>),
    /// [`crate::detect_anomaly`] found a NaN or an infinity.
    #[error("{0}")]
    Anomaly(Box<Anomaly>),
    /// A gradient check failed.
    #[error("{0}")]
    Check(String),
}

impl Error {
    /// The error of a function of the caller's: as it is if it is one of this crate.
    pub(crate) fn function(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        match (&error as &dyn Any).downcast_ref::<Self>() {
            Some(own) => own.clone(),
            None => Self::Function(Arc::new(error)),
        }
    }
}

impl From<tilewright_ops::ShapeError> for Error {
    fn from(error: tilewright_ops::ShapeError) -> Self {
        Self::Tensor(error.into())
    }
}

impl From<tilewright_runtime::Error> for Error {
    fn from(error: tilewright_runtime::Error) -> Self {
        Self::Tensor(error.into())
    }
}

//! What can go wrong in differentiation.

use thiserror::Error;

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
    #[error("{op}: a gradient of shape {found:?} for a value of shape {expected:?}")]
    GradientShape {
        /// The operation.
        op: &'static str,
        /// The gradient's shape.
        found: Vec<usize>,
        /// The value's shape.
        expected: Vec<usize>,
    },
    /// A rule gave another number of gradients than it has inputs.
    #[error("{op}: the rule gave {found} gradients for {expected} inputs; give `None` for one without")]
    GradientCount {
        /// The operation.
        op: &'static str,
        /// Gradients that came.
        found: usize,
        /// Inputs.
        expected: usize,
    },
    /// A gradient check failed.
    #[error("{0}")]
    Check(String),
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

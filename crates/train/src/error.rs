//! What can go wrong in training.

use std::path::Path;

use thiserror::Error;

/// What every fallible call of this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure of this crate.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A module, an optimizer, a checkpoint or the device failed.
    #[error(transparent)]
    Nn(#[from] tilewright_nn::Error),
    /// The images could not be read.
    #[error(transparent)]
    Data(#[from] tilewright_data::DataError),
    /// A source of batches, a task or a callback of the program failed.
    #[error(transparent)]
    Program(Box<dyn std::error::Error + Send + Sync>),
    /// The loss is no number any more.
    #[error(
        "the loss is {loss} at step {step}; lower the learning rate. Run it again with `Options::detect_anomaly` (`--detect-anomaly`) to be told which operation makes the first NaN or infinity"
    )]
    Diverged {
        /// The mean loss of the last steps that were read.
        loss: f64,
        /// Steps done.
        step: u64,
    },
    /// An option is out of range.
    #[error("{option}: {reason}")]
    Option {
        /// The option.
        option: &'static str,
        /// What it should be.
        reason: String,
    },
    /// A source ended before the batches that it had promised.
    #[error("epoch {epoch} ended after {found} batches of the {promised} that its source had promised")]
    ShortEpoch {
        /// The epoch, from 0.
        epoch: u64,
        /// Batches that came.
        found: u64,
        /// Batches that `Source::batches` says.
        promised: u64,
    },
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// The system's words.
        source: std::io::Error,
    },
}

impl Error {
    /// The program's own error, from its source, task or callback.
    pub fn program(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Program(error.into())
    }

    pub(crate) fn file(path: &Path, source: std::io::Error) -> Self {
        Self::File { path: path.display().to_string(), source }
    }
}

impl From<tilewright_tensor::Error> for Error {
    fn from(error: tilewright_tensor::Error) -> Self {
        Self::Nn(error.into())
    }
}

impl From<tilewright_autograd::Error> for Error {
    fn from(error: tilewright_autograd::Error) -> Self {
        Self::Nn(error.into())
    }
}

impl From<tilewright_ops::ShapeError> for Error {
    fn from(error: tilewright_ops::ShapeError) -> Self {
        Self::Nn(error.into())
    }
}

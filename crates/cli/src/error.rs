//! Why a command failed.

use std::path::Path;

use thiserror::Error;

use crate::pictures::PictureError;

/// What every command returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure of a command; the message says what to do next.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The device or a kernel failed.
    #[error(transparent)]
    Runtime(#[from] tilewright_runtime::Error),
    /// An operation failed.
    #[error(transparent)]
    Tensor(#[from] tilewright_tensor::Error),
    /// A graph could not be made or run.
    #[error(transparent)]
    Graph(#[from] tilewright_graph::Error),
    /// An ONNX file could not be read, or holds what the engine has no operation for.
    #[error(transparent)]
    Onnx(#[from] tilewright_onnx::Error),
    /// Differentiation failed.
    #[error(transparent)]
    Autograd(#[from] tilewright_autograd::Error),
    /// A layer, an optimizer or a file of weights failed.
    #[error(transparent)]
    Nn(#[from] tilewright_nn::Error),
    /// A file of weights of another library failed.
    #[error(transparent)]
    Weights(#[from] tilewright_weights::Error),
    /// A file of Darknet's failed.
    #[error(transparent)]
    Darknet(#[from] tilewright_darknet::Error),
    /// A download failed.
    #[error(transparent)]
    Fetch(#[from] tilewright_weights::fetch::FetchError),
    /// Training failed.
    #[error(transparent)]
    Train(#[from] tilewright_train::Error),
    /// The network could not be built.
    #[error(transparent)]
    Zoo(#[from] tilewright_zoo::Error),
    /// The data could not be read.
    #[error(transparent)]
    Data(#[from] tilewright_data::DataError),
    /// An index could not be made, read or searched.
    #[error(transparent)]
    Retrieve(#[from] tilewright_retrieve::Error),
    /// A picture could not be drawn.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// A kernel could not be specialised.
    #[error(transparent)]
    Specialise(#[from] tilewright_shaders::SpecialiseError),
    /// A shader was rejected.
    #[error(transparent)]
    Shader(#[from] tilewright_shaders::ShaderError),
    /// A shape does not fit.
    #[error(transparent)]
    Shape(#[from] tilewright_ops::ShapeError),
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// The system's words.
        source: std::io::Error,
    },
    /// An array file does not hold what is wanted.
    #[error("{path}: {reason}")]
    Array {
        /// The file.
        path: String,
        /// What does not fit.
        reason: String,
    },
    /// An argument cannot be.
    #[error("{argument}: {reason}")]
    Argument {
        /// The argument.
        argument: &'static str,
        /// What it should be.
        reason: String,
    },
    /// A check found a difference.
    #[error("{0}")]
    Check(String),
}

impl Error {
    pub(crate) fn file(path: &Path, source: std::io::Error) -> Self {
        Self::File { path: path.display().to_string(), source }
    }
}

//! What can go wrong in building, loading, training and saving a network.

use std::path::Path;

use thiserror::Error;

use crate::state::report::LoadReport;

/// What every fallible call of this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure of this crate.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// An operation or its differentiation failed.
    #[error(transparent)]
    Autograd(#[from] tilewright_autograd::Error),
    /// A network could not be captured.
    #[error(transparent)]
    Graph(#[from] tilewright_graph::Error),
    /// No layer has reported its output under that path.
    #[error("no layer is at `{path}`; near it are: {near}")]
    UnknownPath {
        /// The path.
        path: String,
        /// Paths that there are, and that are most like it.
        near: String,
    },
    /// A value was asked for by a name that there is not.
    #[error("there is no value `{name}`; there are: {there}")]
    MissingValue {
        /// The name.
        name: String,
        /// The names there are.
        there: String,
    },
    /// The inputs or outputs of a module have other names than its ports.
    #[error("the {what}s do not fit the module: {fault}; its {what}s are: {ports}")]
    Ports {
        /// `input` or `output`.
        what: &'static str,
        /// What is missing or unknown.
        fault: String,
        /// The names of the ports.
        ports: String,
    },
    /// One value is wanted where there are several, or none.
    #[error(
        "one input and one output are wanted, and there are `{names}`; call the module with named values"
    )]
    NotOne {
        /// The names there are.
        names: String,
    },
    /// A whole number is beyond the 32 bits that devices have.
    #[error(
        "`{name}`: element {index} is {value}; devices have whole numbers of 32 bits, −2147483648 to 2147483647"
    )]
    Int64 {
        /// Whose number it is.
        name: String,
        /// Its place, row-major.
        index: usize,
        /// The number.
        value: i64,
    },
    /// A number of 64 bits is beyond f32, in which parameters are kept.
    #[error("`{name}`: element {index} is {value:e}; parameters are kept as f32, −3.4e38 to 3.4e38")]
    Float64 {
        /// Whose number it is.
        name: String,
        /// Its place, row-major.
        index: usize,
        /// The number.
        value: f64,
    },
    /// The norm of all gradients is infinite or NaN, and the caller wants to know.
    #[error(
        "the {norm_type}-norm of the gradients is {norm}: it cannot be clipped; lower the learning rate, or clip without \
         error_if_nonfinite"
    )]
    NonFiniteNorm {
        /// The norm.
        norm: f32,
        /// Which norm it is.
        norm_type: f32,
    },
    /// A layer was given an option that it cannot take.
    #[error("{layer}: {option} is {value}; {hint}")]
    Option {
        /// The layer's path or kind.
        layer: String,
        /// The option.
        option: &'static str,
        /// What was given.
        value: String,
        /// What it may be.
        hint: &'static str,
    },
    /// A pattern of paths cannot be, or takes nothing.
    #[error("the pattern `{pattern}`: {reason}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// What is wrong, and what there is.
        reason: String,
    },
    /// Two parameters have one path.
    #[error("two parameters are called `{path}`; give each layer a path of its own")]
    DuplicatePath {
        /// The path.
        path: String,
    },
    /// A state dict does not fit the network.
    #[error("{file} does not fit the network: {report}")]
    StateDict {
        /// The file.
        file: String,
        /// What is missing, unexpected or misshaped.
        report: Box<LoadReport>,
    },
    /// A tensor of a state dict has an element type that cannot be converted.
    #[error(
        "tensor `{name}` has the element type {dtype}; f64, f32, f16, bf16, i64, i32, i16, i8, u8 and bool can be read"
    )]
    StateDictType {
        /// The tensor.
        name: String,
        /// Its type.
        dtype: String,
    },
    /// A value was set with another shape.
    #[error("`{path}` has shape {expected:?}, and the value given has {found:?}")]
    ParameterShape {
        /// The parameter's path.
        path: String,
        /// Its shape.
        expected: Vec<usize>,
        /// The value's shape.
        found: Vec<usize>,
    },
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// The system's words.
        source: std::io::Error,
    },
    /// A file is damaged or of another kind.
    #[error("{path} is not a whole safetensors file: {reason}. It may be cut off; fetch or write it again")]
    Format {
        /// The file.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// A source of tensors that is not of this crate could not be read.
    #[error(transparent)]
    Source(Box<dyn std::error::Error + Send + Sync>),
    /// A checkpoint does not belong to this run.
    #[error("cannot resume from {path}: {reason}")]
    Resume {
        /// The file.
        path: String,
        /// What does not fit.
        reason: String,
    },
}

impl Error {
    /// What a [`crate::StateSource`] of another crate reports.
    pub fn source(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Source(Box::new(error))
    }

    pub(crate) fn file(path: &Path, source: std::io::Error) -> Self {
        Self::File { path: path.display().to_string(), source }
    }
}

impl From<tilewright_tensor::Error> for Error {
    fn from(error: tilewright_tensor::Error) -> Self {
        Self::Autograd(error.into())
    }
}

impl From<tilewright_runtime::Error> for Error {
    fn from(error: tilewright_runtime::Error) -> Self {
        Self::Autograd(error.into())
    }
}

impl From<tilewright_ops::ShapeError> for Error {
    fn from(error: tilewright_ops::ShapeError) -> Self {
        Self::Autograd(error.into())
    }
}

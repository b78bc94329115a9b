//! What can go wrong with a graph.

use thiserror::Error;
use tilewright_ops::ShapeError;

/// What every fallible call of this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure of capture, of a pass, of planning or of a run.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// An operation of the graph does not fit its operands.
    #[error("node `{node}`: {source}")]
    Node {
        /// The node's name.
        node: String,
        /// Why.
        source: Box<tilewright_tensor::Error>,
    },
    /// A tensor operation outside a node failed.
    #[error(transparent)]
    Tensor(#[from] tilewright_tensor::Error),
    /// The device failed.
    #[error(transparent)]
    Runtime(#[from] tilewright_runtime::Error),
    /// The captured function failed.
    #[error("the network could not be captured: {0}")]
    Capture(String),
    /// A network cannot be calibrated.
    #[error("calibration: {what}")]
    Calibration {
        /// Why, and what to do.
        what: String,
    },
    /// An operand is no value of the graph.
    #[error(
        "node `{node}`: operand {operand} is not a value of this graph; use what `input`, `constant` or `push` returned"
    )]
    ForeignOperand {
        /// The node's name.
        node: String,
        /// Which of its operands.
        operand: usize,
    },
    /// An output is no value of the graph.
    #[error("the output `{name}` does not come from the inputs or constants of this graph")]
    ForeignOutput {
        /// The output's name.
        name: String,
    },
    /// There is no such input or output.
    #[error("{what} {at} does not exist: the graph has {count}, counted from 0")]
    NoPort {
        /// `input` or `output`.
        what: &'static str,
        /// The number asked for.
        at: usize,
        /// How many there are.
        count: usize,
    },
    /// An input that was given does not fit.
    #[error("the input `{name}` is {found} and must be {expected}")]
    Input {
        /// Its name.
        name: String,
        /// Type and shape, or number of elements, as given.
        found: String,
        /// Type and shape as planned.
        expected: String,
    },
    /// An input that a texture fills was written.
    #[error(
        "the input `{name}` is filled from a texture; call `release_input_texture` first to write it again"
    )]
    FromTexture {
        /// Its name.
        name: String,
    },
    /// More or fewer inputs than the graph has.
    #[error("{found} inputs were given and the graph has {expected}: {names}")]
    InputCount {
        /// How many were given.
        found: usize,
        /// How many there are.
        expected: usize,
        /// Their names.
        names: String,
    },
}

impl Error {
    pub(crate) fn node(node: &str, source: impl Into<tilewright_tensor::Error>) -> Self {
        Self::Node { node: node.to_owned(), source: Box::new(source.into()) }
    }
}

impl From<ShapeError> for Error {
    fn from(error: ShapeError) -> Self {
        Self::Tensor(error.into())
    }
}

//! What can go wrong when an operation is called.

use thiserror::Error;
use tilewright_ops::{DType, DTypeError, ShapeError};

use crate::layout::Layout;

/// What every fallible call of this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure of an operation on tensors.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The shapes do not fit the operation.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// The device or a kernel failed.
    #[error(transparent)]
    Runtime(#[from] tilewright_runtime::Error),
    /// An operand has the wrong element type.
    #[error("{op}: `{operand}` is {found}, and this operation takes {expected}; use `cast`", found = found.name())]
    DType {
        /// The operation.
        op: &'static str,
        /// Which operand.
        operand: &'static str,
        /// Its type.
        found: DType,
        /// What it should be.
        expected: &'static str,
    },
    /// An operand that is written in place lies otherwise in memory than it should.
    #[error(
        "{op}: `{operand}` is {found:?} and must be {expected:?}; make it with the layout of the parameter"
    )]
    Layout {
        /// The operation.
        op: &'static str,
        /// Which operand.
        operand: &'static str,
        /// Its layout.
        found: Layout,
        /// What it should be.
        expected: Layout,
    },
    /// An operation that computes was given a quantised tensor, or a movement one whose scales it would mix up.
    #[error("{op}: an operand is quantised; {hint}")]
    Quantized {
        /// The operation.
        op: &'static str,
        /// What to do.
        hint: &'static str,
    },
    /// A tensor is not quantised.
    #[error(
        "{op}: the tensor has no scale; give it one with `with_quantization`, or make it with `quantize`"
    )]
    NotQuantized {
        /// The operation.
        op: &'static str,
    },
    /// The operands belong to different contexts.
    #[error("{op}: the operands belong to different contexts; read one back and upload it to the other")]
    Contexts {
        /// The operation.
        op: &'static str,
    },
    /// A function of one's own ([`crate::Function`]) does not hold together.
    #[error("{op}: {reason}")]
    Function {
        /// The function.
        op: &'static str,
        /// What does not fit, and what to do.
        reason: String,
    },
    /// The host's data does not fill the shape.
    #[error("{op}: {found} elements were given for shape {shape:?}, which has {expected}")]
    ElementCount {
        /// The operation.
        op: &'static str,
        /// The shape.
        shape: Vec<usize>,
        /// Its elements.
        expected: usize,
        /// The elements given.
        found: usize,
    },
}

impl From<DTypeError> for Error {
    fn from(error: DTypeError) -> Self {
        let DTypeError { op, operand, found, expected } = error;
        Self::DType { op, operand, found, expected }
    }
}

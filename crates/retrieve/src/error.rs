//! What can go wrong with an index.

use std::{io, path::Path};

use thiserror::Error;

/// What every fallible call of this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure of this crate.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The device failed.
    #[error(transparent)]
    Tensor(#[from] tilewright_tensor::Error),
    /// An index of vectors without numbers, or of more than can be counted.
    #[error("an index of vectors of {dim} numbers cannot be; 1 to 1048576 can")]
    Dimension {
        /// The numbers of a vector.
        dim: usize,
    },
    /// A vector has another length than the index's.
    #[error("{what} has {found} numbers, and the index has vectors of {dim}: were both made by one network?")]
    Length {
        /// Which vector.
        what: String,
        /// Its length.
        found: usize,
        /// The index's.
        dim: usize,
    },
    /// A vector has a NaN or an infinity.
    #[error("{what} has {value} at place {place}; only finite numbers can be compared")]
    NotFinite {
        /// Which vector.
        what: String,
        /// The place, from 0.
        place: usize,
        /// The number.
        value: f32,
    },
    /// A vector of zeros has no direction.
    #[error("{what} is all zeros, which has no direction to compare; take the metric `l2` or `dot`")]
    Zero {
        /// Which vector.
        what: String,
    },
    /// An id is there already.
    #[error("id {id} is there already (`{name}`); remove it first, or take another")]
    Duplicate {
        /// The id.
        id: u64,
        /// The name of the vector that has it.
        name: String,
    },
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// The system's words.
        source: io::Error,
    },
    /// A file is damaged or of another kind.
    #[error("{path} is no index that can be read: {reason}; make it again")]
    Format {
        /// The file.
        path: String,
        /// What is wrong.
        reason: String,
    },
}

impl Error {
    pub(crate) fn file(path: &Path, source: io::Error) -> Self {
        Self::File { path: path.display().to_string(), source }
    }

    pub(crate) fn format(path: &Path, reason: impl Into<String>) -> Self {
        Self::Format { path: path.display().to_string(), reason: reason.into() }
    }
}

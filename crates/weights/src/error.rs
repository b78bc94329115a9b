//! Why a file of weights could not be read.

use std::{io, path::Path};

use thiserror::Error;

/// What every fallible call of this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure of this crate.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be opened, read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// The system's words.
        source: io::Error,
    },
    /// A file does not hold weights that can be read.
    #[error("{path}: {fault}")]
    Format {
        /// The file.
        path: String,
        /// What is wrong with it.
        #[source]
        fault: Fault,
    },
    /// A safetensors file could not be read.
    #[error(transparent)]
    Nn(#[from] tilewright_nn::Error),
}

/// What is wrong with a file, whose name [`Error::Format`] adds.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Fault {
    /// It ends too early.
    #[error("it is cut off: {what} needs {wanted} bytes at byte {at}, and {left} are left; fetch it again")]
    Truncated {
        /// What was read.
        what: &'static str,
        /// Where.
        at: u64,
        /// Bytes that it needs.
        wanted: u64,
        /// Bytes that there are.
        left: u64,
    },
    /// It contradicts itself.
    #[error("it is damaged: {0}; fetch or write it again")]
    Damaged(String),
    /// It is of a kind, or has a part, that is not read.
    #[error("{0}")]
    Unsupported(String),
    /// A pickle has an opcode that files of weights do not need.
    #[error(
        "its pickle has the opcode {name} at byte {at}, which is not read; write it again with torch.save, or with pickle \
         protocol 2 to 5"
    )]
    Opcode {
        /// The opcode's name in Python's pickletools, or its number.
        name: String,
        /// Where it stands in the pickle.
        at: u64,
    },
    /// A pickle wants a function called that weights do not need.
    #[error(
        "its pickle wants `{name}` called; nothing in a file of weights is run. If you trust the file, open it with the \
         library that wrote it and save the state dict alone: torch.save(model.state_dict(), PATH)"
    )]
    Call {
        /// The function's module and name.
        name: String,
    },
    /// A tensor cannot be read.
    #[error("tensor `{name}`: {reason}")]
    Tensor {
        /// The tensor.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// It is larger than any file of weights has to be.
    #[error("{what} is beyond {limit}, the most that is read; no file of weights needs so much")]
    Limit {
        /// What is too large.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// It holds no state dict, or several.
    #[error("{0}")]
    State(String),
    /// The system could not read it.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Error {
    pub(crate) fn file(path: &Path, source: io::Error) -> Self {
        Self::File { path: path.display().to_string(), source }
    }

    pub(crate) fn format(path: &Path, fault: Fault) -> Self {
        match fault {
            Fault::Io(source) => Self::file(path, source),
            fault => Self::Format { path: path.display().to_string(), fault },
        }
    }
}

impl Fault {
    pub(crate) fn damaged(reason: impl Into<String>) -> Self {
        Self::Damaged(reason.into())
    }
}

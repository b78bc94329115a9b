//! What can be wrong with a file.

use std::fmt;

use thiserror::Error;

/// What every fallible call of this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A place in a `.cfg`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The section without its brackets; empty outside of one.
    pub section: String,
    /// The key; empty where the section as a whole is meant.
    pub key: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}", self.file, self.line)?;
        if !self.section.is_empty() {
            write!(f, ", [{}]", self.section)?;
        }
        if !self.key.is_empty() {
            write!(f, ", `{}`", self.key)?;
        }
        Ok(())
    }
}

/// A file that cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// The system's words.
        source: std::io::Error,
    },
    /// A line of a `.cfg` is not understood, or asks for what is not there.
    #[error("{place}: {fault}")]
    Cfg {
        /// Where it stands.
        place: Box<Place>,
        /// What is wrong, and what to do.
        fault: String,
    },
    /// A `.weights` file has another number of numbers than the network.
    #[error("{path} holds {found} numbers after its header and the network has {wanted}: {hint}")]
    Count {
        /// The file.
        path: String,
        /// Numbers of the file.
        found: u64,
        /// Numbers of the network.
        wanted: u64,
        /// Where it ends, and what to do.
        hint: String,
    },
    /// A `.weights` file is damaged or of another kind.
    #[error("{path} is not a .weights file that can be read: {fault}")]
    Weights {
        /// The file.
        path: String,
        /// What is wrong, and what to do.
        fault: String,
    },
    /// Arrays do not fit the network that they are written for.
    #[error("layer {layer}, {part}: the network has {wanted} numbers, and {found} were given")]
    Array {
        /// The layer, from 0.
        layer: usize,
        /// The array of it.
        part: &'static str,
        /// Numbers of the network's.
        wanted: usize,
        /// Numbers given.
        found: usize,
    },
}

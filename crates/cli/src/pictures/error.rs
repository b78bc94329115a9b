//! Why a picture could not be made.

use std::path::PathBuf;

/// Why a picture could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// There is nothing to draw, or what there is does not fit together.
    #[error("cannot draw the {picture}: {reason}")]
    Input {
        /// Which picture.
        picture: &'static str,
        /// What is missing or does not fit.
        reason: String,
    },

    /// The typeface that is compiled in cannot be parsed; this is a defect of this program.
    #[error("the built-in font cannot be parsed; please report this")]
    Font,

    /// The file could not be written.
    #[error("cannot write the picture {path}: {source}; is the directory there, writable, and not full?", path = .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
}

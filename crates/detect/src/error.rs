//! What can go wrong between an annotation file and a figure.

use std::path::{Path, PathBuf};

use tilewright_data::{DataError, picture::PictureError};

use crate::masks::MaskError;

/// An error of this crate. Each about a file names the file, and the line or entry.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DetectError {
    /// A file could not be read or written.
    #[error("cannot read or write {path}: {source}", path = .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },

    /// An entry of an annotation file cannot be used.
    #[error("{path}, {place}: {reason}", path = .path.display())]
    Entry {
        /// The file.
        path: PathBuf,
        /// The line, or the entry and its key.
        place: String,
        /// What is wrong, and what would be right.
        reason: String,
    },

    /// A picture that annotations name is not there.
    #[error(
        "{annotations} is about the picture `{picture}`, and {folder} has none of that name, nor one picture of that name with another ending",
        annotations = .annotations.display(), folder = .folder.display()
    )]
    PictureMissing {
        /// The file that names it.
        annotations: PathBuf,
        /// Its name.
        picture: String,
        /// Where it was looked for.
        folder: PathBuf,
    },

    /// Annotations or results that do not fit together.
    #[error("{what}: {reason}")]
    Unfit {
        /// What does not fit.
        what: String,
        /// Why, and what to do.
        reason: String,
    },

    /// A mask is none.
    #[error("{what}: {source}")]
    Mask {
        /// Which one.
        what: String,
        /// What is wrong with it.
        source: MaskError,
    },

    /// A picture cannot be read.
    #[error(transparent)]
    Picture(#[from] PictureError),

    /// A step of augmentation that does not fit.
    #[error(transparent)]
    Data(#[from] DataError),
}

impl DetectError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    pub(crate) fn entry(path: &Path, place: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Entry { path: path.to_owned(), place: place.into(), reason: reason.into() }
    }

    pub(crate) fn unfit(what: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Unfit { what: what.into(), reason: reason.into() }
    }

    pub(crate) fn mask(what: impl Into<String>) -> impl FnOnce(MaskError) -> Self {
        let what = what.into();
        move |source| Self::Mask { what, source }
    }
}

//! Why a network could not be built.

use thiserror::Error;

/// Why a network could not be built.
#[derive(Debug, Error)]
pub enum Error {
    /// No network has that name.
    #[error("no network is called `{name}`; {hint}")]
    UnknownName {
        /// The name.
        name: String,
        /// The name that was meant, or all that there are.
        hint: String,
    },
    /// The image is too small.
    #[error("{name}: an image of {height}×{width} is too small; it takes at least {least}×{least}")]
    ImageTooSmall {
        /// The network.
        name: &'static str,
        /// The image's height.
        height: usize,
        /// The image's width.
        width: usize,
        /// The least height and width.
        least: usize,
    },
    /// A state dict has not the tensor by which the network counts its classes.
    #[error("{file} has no `{head}`, by which `{name}` counts its classes; {hint}")]
    NoHead {
        /// The state dict's file.
        file: String,
        /// The network.
        name: &'static str,
        /// The path that is missing.
        head: &'static str,
        /// What it may be instead.
        hint: String,
    },
    /// A layer failed.
    #[error(transparent)]
    Nn(#[from] tilewright_nn::Error),
}

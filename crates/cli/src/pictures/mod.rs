//! The pictures that a training run leaves behind, as PNG files, and the roofline and the
//! graph of a network, as SVG.
//!
//! Each function draws one picture in memory and writes it whole or not at all: to a temporary file beside its place,
//! which is then renamed. Nothing is needed of the machine, not even a font: DejaVu Sans is compiled in.

mod axis;
mod canvas;
mod confusion_matrix;
mod curves;
mod font;
mod network;
mod prediction_sheet;
mod roofline;

use std::path::PathBuf;

pub use confusion_matrix::confusion_matrix;
pub use curves::{EpochMetrics, StepLoss, curves};
pub use network::network;
pub use prediction_sheet::{Prediction, prediction_sheet};
pub use roofline::{Dot, Kind, Plot, roofline};

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

/// The colours, chosen to be told apart by colour-blind readers too (Okabe and Ito, 2008), but for the red of mistakes,
/// which is never alone: a frame or a word goes with it.
mod colour {
    /// Red, green and blue (sRGB).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Colour(pub u8, pub u8, pub u8);

    pub const PAPER: Colour = Colour(255, 255, 255);
    pub const INK: Colour = Colour(33, 37, 41);
    pub const FAINT_INK: Colour = Colour(108, 117, 125);
    pub const AXIS: Colour = Colour(173, 181, 189);
    pub const GRID: Colour = Colour(233, 236, 239);
    pub const BLUE: Colour = Colour(0, 114, 178);
    pub const SKY_BLUE: Colour = Colour(86, 180, 233);
    pub const ORANGE: Colour = Colour(213, 94, 0);
    pub const GREEN: Colour = Colour(0, 158, 115);
    pub const RED: Colour = Colour(200, 30, 45);
}

//! The pictures that a training run leaves behind, as PNG files, and the roofline and the
//! graph of a network, as SVG.
//!
//! Each function draws one picture in memory and writes it whole or not at all: to a temporary file beside its place,
//! which is then renamed. Nothing is needed of the machine, not even a font: DejaVu Sans is compiled in.

mod axis;
mod canvas;
mod colour;
mod confusion_matrix;
mod curves;
mod error;
mod font;
mod network;
mod prediction_sheet;
mod roofline;

pub use confusion_matrix::confusion_matrix;
pub use curves::{EpochMetrics, StepLoss, curves};
pub use error::PictureError;
pub use network::network;
pub use prediction_sheet::{Prediction, prediction_sheet};
pub use roofline::{Dot, Kind, Plot, roofline};

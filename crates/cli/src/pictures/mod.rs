//! The pictures that a training run leaves behind, as PNG files, and the roofline and the
//! graph of a network, as SVG.
//!
//! Each function draws one picture in memory and writes it whole or not at all: to a temporary file beside its place,
//! which is then renamed. Nothing is needed of the machine, not even a font: DejaVu Sans is compiled in.

mod axis;
mod canvas;
mod colour;
mod colour_map;
mod confusion_matrix;
mod contact_sheet;
mod curves;
mod error;
mod feature_maps;
mod font;
mod found_boxes;
mod histograms;
mod network;
mod prediction_sheet;
mod roofline;

pub use confusion_matrix::confusion_matrix;
pub use contact_sheet::{Thumbnail, contact_sheet};
pub use curves::{EpochMetrics, StepLoss, curves};
pub use error::PictureError;
pub use feature_maps::{FeatureMaps, feature_maps};
pub use found_boxes::{FoundBox, found_boxes};
pub use histograms::{Histogram, LayerHistograms, histograms};
pub use network::network;
pub use prediction_sheet::{Prediction, prediction_sheet};
pub use roofline::{Dot, Kind, Plot, roofline};

//! What an index of pictures knows of how its vectors were made.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tilewright_data::picture::{Filter, Picture, Preprocess};

use super::viewer::Viewer;
use crate::{error::Error, error::Result};

/// How the vectors of an index were made, kept as JSON in it: only vectors of one network, with the same weights, of pictures
/// that were prepared in the same way, can be compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// The network of the zoo.
    pub model: String,
    /// The file of its weights, as it was named.
    pub weights: PathBuf,
    /// The folder in which the names are.
    pub folder: PathBuf,
    /// Pixels of the shorter side.
    pub resize: usize,
    /// Height and width of the middle.
    pub crop: [usize; 2],
    /// The filter's name.
    pub filter: String,
    /// What is taken off each channel.
    pub mean: Vec<f32>,
    /// What each channel is divided by.
    pub std: Vec<f32>,
    /// What the network gives for a picture that every program can make: other weights give something else.
    pub probe: Vec<f32>,
}

/// The least cosine of two probes of one network; devices round in different ways.
const SAME: f64 = 0.9999;

impl About {
    /// How pictures are prepared.
    pub fn preprocess(&self) -> Preprocess {
        let filter = Filter::ALL.into_iter().find(|filter| filter.name() == self.filter).unwrap_or_default();
        Preprocess {
            resize: self.resize,
            crop: self.crop,
            filter,
            mean: self.mean.clone(),
            std: self.std.clone(),
        }
    }

    /// Refuses a network that gives another vector for the probe.
    ///
    /// # Errors
    /// [`Error::Argument`].
    pub fn check(&self, probe: &[f32]) -> Result<()> {
        let dot = |one: &[f32], other: &[f32]| -> f64 {
            one.iter().zip(other).map(|(&one, &other)| f64::from(one) * f64::from(other)).sum()
        };
        let alike = dot(probe, &self.probe) / (dot(probe, probe) * dot(&self.probe, &self.probe)).sqrt();
        if probe.len() == self.probe.len() && alike >= SAME {
            return Ok(());
        }
        let reason = format!(
            "the network does not give what the index was made of: it was made by `{}` with {}, pictures resized to {} and cut \
             to {:?}",
            self.model,
            self.weights.display(),
            self.resize,
            self.crop
        );
        Err(Error::Argument { argument: "--weights", reason })
    }
}

/// What the network gives for slopes of colour.
///
/// # Errors
/// What the device says; [`Error::Argument`] for numbers that are not finite.
pub fn probe(viewer: &mut Viewer) -> Result<Vec<f32>> {
    let side = 64;
    let pixel = |at: usize| {
        let (x, y) = (at % side, at / side);
        [(4 * x) as u8, (4 * y) as u8, (255 - 2 * (x + y)) as u8]
    };
    let samples = (0..side * side).flat_map(pixel).collect();
    let picture = Picture::from_u8(side, side, 3, samples).map_err(tilewright_data::DataError::from)?;
    let prepared = viewer.prepare(picture).map_err(tilewright_data::DataError::from)?;
    let seen = viewer.view(&[&prepared])?.pop().and_then(|mut outputs| outputs.pop());
    let vector = seen.map(|seen| seen.values).unwrap_or_default();
    if vector.iter().all(|value| value.is_finite()) {
        return Ok(vector);
    }
    let reason =
        "with them the network gives NaN or infinite numbers; `tilewright grad --detect-anomaly` finds where"
            .to_owned();
    Err(Error::Argument { argument: "--weights", reason })
}

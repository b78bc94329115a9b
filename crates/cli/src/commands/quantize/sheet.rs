//! The histograms of all layers as a picture.

use std::path::Path;

use tilewright_graph::quantize::{Calibration, Distribution, Layers, Observer};

use super::arguments::Arguments;
use crate::{
    error::Result,
    pictures::{Histogram, LayerHistograms, histograms},
};

/// Draws what was counted.
pub fn draw(path: &Path, arguments: &Arguments, calibration: &Calibration, layers: &Layers) -> Result<()> {
    let histogram = |found: Distribution| {
        let ends = |(low, high): (f32, f32)| (f64::from(low), f64::from(high));
        Histogram {
            low: f64::from(found.low),
            width: f64::from(found.width),
            counts: found.counts,
            range: ends(found.range),
            narrowest: found.narrowest.filter(|_| !arguments.per_tensor_weights).map(ends),
        }
    };
    let note = |name: &str| {
        let layer = layers.layers.iter().find(|layer| layer.node == name);
        layer.and_then(|layer| layer.decibels).map_or(String::new(), |noise| format!("{noise:.1} dB"))
    };
    let sheets: Vec<_> = calibration
        .distributions()?
        .into_iter()
        .map(|found| LayerHistograms {
            note: note(&found.node),
            name: found.node,
            weight: histogram(found.weight),
            output: histogram(found.output),
        })
        .collect();
    let name =
        Path::new(&arguments.model).file_stem().map_or("network".into(), |stem| stem.to_string_lossy());
    let observer = Observer::from(arguments.observer).name();
    let words = format!(
        "ranges by {observer} over {} batches; heights are logarithms of counts",
        calibration.batches()
    );
    histograms(path, &format!("{name} in bytes"), &words, &sheets)?;
    Ok(())
}

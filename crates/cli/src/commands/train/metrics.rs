//! metrics.jsonl: one line for each epoch, and a last one for the run.

use std::{fs, path::Path};

use serde::{Deserialize, Serialize};

use crate::{Error, Result, files};

/// What is known at the end of an epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Which epoch, from 1.
    pub epoch: u64,
    /// Mean loss of the training images, as they were met.
    pub train_loss: f64,
    /// Share of training images that were classified right, as they were met.
    pub train_accuracy: f64,
    /// Mean loss of the test images.
    pub test_loss: f64,
    /// Share of test images that are classified right.
    pub test_accuracy: f64,
    /// The learning rate of the last step.
    pub lr: f32,
    /// Training images a second.
    pub images_per_second: f64,
    /// Seconds of training so far.
    pub train_seconds: f64,
    /// Mean losses of runs of steps, in order.
    pub step_losses: Vec<f64>,
}

/// What is known at the end of the run.
#[derive(Clone, Debug, Serialize)]
pub struct FinalRecord<'a> {
    pub test_accuracy: f64,
    pub test_images: usize,
    pub train_seconds: f64,
    pub images_per_second: f64,
    pub model: &'a str,
    pub parameters: usize,
    pub epochs: u64,
    pub seed: u64,
    pub device: &'a str,
    pub driver: &'a str,
    pub memory_high_water: u64,
}

/// Writes the whole file anew.
pub fn write(path: &Path, epochs: &[EpochRecord], last: Option<&FinalRecord<'_>>) -> Result<()> {
    let mut text = String::new();
    let lines = epochs.iter().map(serde_json::to_string).chain(last.map(serde_json::to_string));
    for line in lines {
        text.push_str(&line.map_err(|error| Error::file(path, error.into()))?);
        text.push('\n');
    }
    files::write_whole(path, text.as_bytes())
}

/// The first `epochs` lines of an earlier run; a run without the file has none.
pub fn read(path: &Path, epochs: u64) -> Vec<EpochRecord> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let records = text.lines().filter_map(|line| serde_json::from_str::<EpochRecord>(line).ok());
    records.take_while(|record| record.epoch <= epochs).collect()
}

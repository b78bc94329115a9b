//! What a finished run says of itself: the last line of its metrics, and its pictures.

use std::path::{Path, PathBuf};

use serde::Serialize;
use tilewright_data::{ImageDataset, SampleRng, Transform};
use tilewright_train::{Answers, EpochRecord, Scores};

use super::quantize::Int8Record;
use crate::{
    error::Result, pictures::EpochMetrics, pictures::Prediction, pictures::StepLoss,
    pictures::confusion_matrix, pictures::curves, pictures::prediction_sheet,
};

const ACCURACY: &str = "accuracy";
const PIXELS: &str = "pixel_accuracy";
/// Classes of a confusion matrix that is drawn.
const MATRIX: usize = 100;
/// Images on the sheet of predictions.
const SHEET: usize = 40;
/// Of these, at most so many wrong ones, if there are.
const WRONG: usize = 12;

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
    /// Of masks: the mean of the classes' intersections over unions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_mean_iou: Option<f64>,
    /// Of mixed precision: steps that were left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped_steps: Option<u64>,
    /// Of quantisation-aware training: the network in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub int8: Option<Int8Record>,
}

/// Images that were judged, and how they look to the network.
pub struct Images<'a> {
    pub dataset: &'a dyn ImageDataset,
    /// Brings them to its size.
    pub view: &'a dyn Transform,
}

impl Images<'_> {
    /// The pixels of one, and their shape.
    fn pixels(&self, index: usize) -> Result<([usize; 3], Vec<u8>)> {
        let mut image = self.dataset.sample(index)?;
        self.view.apply(&mut image, &mut SampleRng::new(0, 0, index as u64))?;
        let byte = |pixel: f32| (pixel * 255.0).round().clamp(0.0, 255.0) as u8;
        Ok((image.shape, image.pixels.into_iter().map(byte).collect()))
    }
}

/// The part of the images, or of the pixels, that are answered rightly.
pub fn accuracy(scores: &Scores) -> f64 {
    scores.metric(ACCURACY).or(scores.metric(PIXELS)).unwrap_or_default()
}

/// Draws the curves, the confusion matrix and a sheet of predictions; says what each file is.
pub fn draw(
    folder: &Path,
    epochs: &[EpochRecord],
    images: &Images<'_>,
    answers: Option<&Answers>,
) -> Result<Vec<(&'static str, PathBuf)>> {
    let mut made = Vec::new();
    // A run that was resumed after its end without its metrics has no past to draw.
    if !epochs.is_empty() {
        let path = folder.join("curves.png");
        draw_curves(&path, epochs)?;
        made.push(("loss and accuracy", path));
    }

    let Some(answers) = answers else { return Ok(made) };
    let dataset = images.dataset;
    let names = dataset.class_names();
    let mut counts = vec![vec![0u64; names.len()]; names.len()];
    for (index, &predicted) in answers.predicted.iter().enumerate() {
        counts[dataset.label(index)? as usize][predicted] += 1;
    }
    // A matrix of more classes than this is no picture.
    if names.len() <= MATRIX {
        let path = folder.join("confusion_matrix.png");
        confusion_matrix(&path, &counts, names)?;
        made.push(("confusion matrix", path));
    }

    let path = folder.join("predictions.png");
    prediction_sheet(&path, &choose(images, answers)?, names)?;
    made.push(("predictions, wrong ones framed", path));
    Ok(made)
}

fn draw_curves(path: &Path, epochs: &[EpochRecord]) -> Result<()> {
    let metrics: Vec<_> = epochs
        .iter()
        .map(|record| EpochMetrics {
            epoch: record.epoch as u32,
            train_loss: record.train.loss,
            train_accuracy: accuracy(&record.train),
            test_accuracy: record.test.as_ref().map_or(0.0, accuracy),
        })
        .collect();
    let mut steps = Vec::new();
    for record in epochs {
        let count = record.step_losses.len() as f64;
        for (at, &loss) in record.step_losses.iter().enumerate() {
            steps.push(StepLoss { epoch: (record.epoch - 1) as f64 + (at as f64 + 1.0) / count, loss });
        }
    }
    Ok(curves(path, &metrics, &steps)?)
}

/// The first images of the set, some of them replaced by wrong ones from all over it, so that both kinds are seen.
fn choose(images: &Images<'_>, answers: &Answers) -> Result<Vec<Prediction>> {
    let dataset = images.dataset;
    let mut wrong = Vec::new();
    let mut right = Vec::new();
    for (index, &predicted) in answers.predicted.iter().enumerate() {
        let list = if predicted == dataset.label(index)? as usize { &mut right } else { &mut wrong };
        list.push(index);
    }
    // Evenly over the wrong ones: the first ones alone may be of one kind.
    let step = (wrong.len() / WRONG).max(1);
    let mut chosen: Vec<_> = wrong.into_iter().step_by(step).take(WRONG).collect();
    let room = SHEET.saturating_sub(chosen.len());
    chosen.extend(right.into_iter().take(room));
    chosen.sort_unstable();
    let mut predictions = Vec::with_capacity(chosen.len());
    for index in chosen {
        let (shape, pixels) = images.pixels(index)?;
        predictions.push(Prediction {
            pixels,
            shape,
            label: dataset.label(index)? as usize,
            predicted: answers.predicted[index],
            confidence: answers.confidence[index],
        });
    }
    Ok(predictions)
}

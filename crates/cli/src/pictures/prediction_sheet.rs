//! A sheet of images with what the network took them for.

use std::path::Path;

use super::colour::Colour;
use super::font::Face;
use super::{canvas::Align, canvas::Canvas, canvas::Place};
use super::{colour, error::PictureError};

const PICTURE: &str = "sheet of predictions";
const COLUMNS: usize = 8;
/// Images are magnified by the largest whole factor that keeps their longer side within this.
const IMAGE_SIDE: usize = 100;
const MARGIN: f64 = 20.0;
const TITLE: f64 = 52.0;
const FRAME: f64 = 3.0;
const CAPTION: f64 = 38.0;
const LEAST_CELL: f64 = 124.0;
const GAP: f64 = 8.0;

/// One image and what the network made of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// The pixels, C·H·W of them, channels first.
    pub pixels: Vec<u8>,
    /// Shape (C, H, W), with 1 (grey) or 3 (RGB) channels.
    pub shape: [usize; 3],
    /// The true class.
    pub label: usize,
    /// The class that the network gave.
    pub predicted: usize,
    /// The probability that it gave to that class, 0…1.
    pub confidence: f32,
}

impl Prediction {
    fn right(&self) -> bool {
        self.label == self.predicted
    }

    fn check(&self, index: usize, classes: usize) -> Result<(), PictureError> {
        let [c, h, w] = self.shape;
        let pixels = c.checked_mul(h).and_then(|n| n.checked_mul(w)).unwrap_or(0);
        let reason = if c != 1 && c != 3 {
            format!("image {index} has {c} channels; 1 (grey) and 3 (RGB) can be drawn")
        } else if pixels == 0 || pixels != self.pixels.len() {
            format!("image {index} has {} pixels for the shape {:?} (C×H×W)", self.pixels.len(), self.shape)
        } else if self.label.max(self.predicted) >= classes {
            let worst = self.label.max(self.predicted);
            format!("image {index} names class {worst}, of which there are {classes}")
        } else {
            return Ok(());
        };
        Err(PictureError::Input { picture: PICTURE, reason })
    }

    fn colour(&self, y: usize, x: usize) -> Colour {
        let [c, h, w] = self.shape;
        let at = |channel: usize| self.pixels[(channel * h + y) * w + x];
        if c == 1 { Colour(at(0), at(0), at(0)) } else { Colour(at(0), at(1), at(2)) }
    }
}

/// Draws the images in rows of eight, magnified without smoothing, each with the class that the network gave and its
/// confidence; around a wrong one a red frame, and below it what it is.
///
/// # Errors
/// [`PictureError::Input`] when there is no image or one does not fit its shape or the classes;
/// [`PictureError::Write`].
pub fn prediction_sheet(
    path: &Path,
    predictions: &[Prediction],
    class_names: &[impl AsRef<str>],
) -> Result<(), PictureError> {
    if predictions.is_empty() {
        return Err(PictureError::Input { picture: PICTURE, reason: "there are no predictions".into() });
    }
    predictions.iter().enumerate().try_for_each(|(i, p)| p.check(i, class_names.len()))?;

    let largest = |axis: usize| predictions.iter().map(|p| p.shape[axis]).max().unwrap_or(1);
    let factor = (IMAGE_SIDE / largest(1).max(largest(2))).max(1);
    let (image_height, image_width) = ((largest(1) * factor) as f64, (largest(2) * factor) as f64);
    let columns = predictions.len().min(COLUMNS);
    let rows = predictions.len().div_ceil(COLUMNS);
    let cell_width = (image_width + 2.0 * FRAME + GAP).max(LEAST_CELL);
    let cell_height = image_height + 2.0 * FRAME + CAPTION + GAP;
    // A sheet of few images is still wide enough for its title.
    let width = (2.0 * MARGIN + columns as f64 * cell_width).max(480.0);
    let height = 2.0 * MARGIN + TITLE + rows as f64 * cell_height - GAP;

    let mut canvas = Canvas::new(PICTURE, (width, height))?;
    title(&mut canvas, predictions);
    for (index, prediction) in predictions.iter().enumerate() {
        let left = MARGIN + (index % COLUMNS) as f64 * cell_width;
        let top = MARGIN + TITLE + (index / COLUMNS) as f64 * cell_height;
        let corner = (left + ((cell_width - image_width) / 2.0).round(), top + FRAME);
        image(&mut canvas, prediction, corner, factor);
        let below = (left + cell_width / 2.0, corner.1 + image_height + FRAME);
        caption(&mut canvas, prediction, class_names, below, cell_width - 6.0);
    }
    canvas.save(path)
}

fn title(canvas: &mut Canvas, predictions: &[Prediction]) {
    let wrong = predictions.iter().filter(|p| !p.right()).count();
    let face = Face::new(20.0, colour::INK).bold();
    canvas.text("Predictions on test images", (MARGIN, MARGIN + 8.0), Align::Left, face);
    let words = match wrong {
        0 => format!("all {} right", predictions.len()),
        _ => format!("{wrong} wrong ones among these {}, framed in red", predictions.len()),
    };
    canvas.text(&words, (MARGIN, MARGIN + 32.0), Align::Left, Face::new(14.0, colour::FAINT_INK));
}

fn image(canvas: &mut Canvas, prediction: &Prediction, (left, top): Place, factor: usize) {
    let [_, height, width] = prediction.shape;
    let side = |pixels: usize| (pixels * factor) as f64;
    if !prediction.right() {
        let outer = (side(width) + 2.0 * FRAME, side(height) + 2.0 * FRAME);
        canvas.fill((left - FRAME, top - FRAME), outer, colour::RED);
    }
    for y in 0..height {
        for x in 0..width {
            canvas.fill((left + side(x), top + side(y)), (side(1), side(1)), prediction.colour(y, x));
        }
    }
}

fn caption(
    canvas: &mut Canvas,
    prediction: &Prediction,
    class_names: &[impl AsRef<str>],
    (centre, top): Place,
    limit: f64,
) {
    let name = |class: usize| class_names[class].as_ref();
    let face = Face::new(13.0, if prediction.right() { colour::INK } else { colour::RED });
    // Never rounded up to certainty.
    let percent = match f64::from(prediction.confidence) * 100.0 {
        p if p.is_finite() => format!(" ({}%)", if p < 100.0 { p.round().min(99.0) } else { 100.0 }),
        _ => " (?)".into(),
    };
    let room = limit - canvas.text_width(&percent, face);
    let words = canvas.fit(name(prediction.predicted), face, room) + &percent;
    canvas.text(&words, (centre, top + 12.0), Align::Centre, face);
    if !prediction.right() {
        let face = Face::new(13.0, colour::INK);
        let words = canvas.fit(&format!("is {}", name(prediction.label)), face, limit);
        canvas.text(&words, (centre, top + 28.0), Align::Centre, face);
    }
}

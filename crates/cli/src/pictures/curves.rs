//! How a training run went: loss and accuracy over the epochs.

use std::path::Path;

use super::axis::Axis;
use super::colour::Colour;
use super::font::Face;
use super::{canvas::Align, canvas::Canvas, canvas::Place};
use super::{colour, error::PictureError};

const PICTURE: &str = "training curves";
const WIDTH: f64 = 1120.0;
const HEIGHT: f64 = 480.0;
const MARGIN: f64 = 20.0;
/// Upper and lower edge of both panels' plots.
const PLOT: (f64, f64) = (112.0, HEIGHT - 66.0);
/// Room for the numbers and the name beside the upward axis.
const Y_AXIS: f64 = 62.0;
const MARK: f64 = 3.2;

/// What is known at the end of an epoch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EpochMetrics {
    /// Which epoch, from 1.
    pub epoch: u32,
    /// The mean loss over the epoch's training batches.
    pub train_loss: f64,
    /// The share of training images that were classified right, 0…1.
    pub train_accuracy: f64,
    /// The share of test images that were classified right, 0…1.
    pub test_accuracy: f64,
}

/// The loss of one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepLoss {
    /// When it was, in epochs from the start: 1.5 is half-way through the second epoch.
    pub epoch: f64,
    /// The loss of the step's batch.
    pub loss: f64,
}

/// A line of a panel.
struct Series<'a> {
    name: &'a str,
    colour: Colour,
    thickness: f64,
    marks: bool,
    points: Vec<(f64, f64)>,
}

/// A panel with its axes.
struct Panel<'a> {
    title: &'a str,
    y_name: &'a str,
    x: Axis,
    y: Axis,
    series: Vec<Series<'a>>,
}

/// Draws two panels: the training loss, of each epoch and (smoothed, thin) of the steps in between, and the accuracy on
/// the training and on the test images.
///
/// Values that are not finite are left out: a diverged run still gets its picture.
///
/// # Errors
/// [`PictureError::Input`] when there is no epoch with a finite number to draw; [`PictureError::Write`].
pub fn curves(path: &Path, epochs: &[EpochMetrics], steps: &[StepLoss]) -> Result<(), PictureError> {
    let by_epoch = |value: fn(&EpochMetrics) -> f64| -> Vec<(f64, f64)> {
        epochs.iter().map(|e| (f64::from(e.epoch), value(e))).filter(|(_, y)| y.is_finite()).collect()
    };
    let loss = by_epoch(|e| e.train_loss);
    let train = by_epoch(|e| e.train_accuracy * 100.0);
    let test = by_epoch(|e| e.test_accuracy * 100.0);
    let smoothed = smooth(steps);
    if [&loss, &train, &test, &smoothed].iter().all(|points| points.is_empty()) {
        let reason = format!("of {} epochs and {} steps none has a finite number", epochs.len(), steps.len());
        return Err(PictureError::Input { picture: PICTURE, reason });
    }
    let all = [&loss, &train, &test, &smoothed];
    let last = all.iter().flat_map(|points| points.iter()).map(|p| p.0).fold(1.0, f64::max);
    let top = loss.iter().chain(&smoothed).map(|p| p.1).fold(0.0, f64::max);
    let lowest = train.iter().chain(&test).map(|p| p.1).fold(100.0, f64::min);
    let thin = |name, colour, points| Series { name, colour, thickness: 1.2, marks: false, points };
    let bold = |name, colour, points| Series { name, colour, thickness: 2.4, marks: true, points };
    let loss_panel = Panel {
        title: "Training loss",
        y_name: "cross-entropy",
        x: Axis::of_epochs(last),
        y: Axis::from_zero(top),
        series: vec![
            thin("steps, smoothed", colour::SKY_BLUE, smoothed),
            bold("mean of the epoch", colour::BLUE, loss),
        ],
    };
    let accuracy_panel = Panel {
        title: "Accuracy",
        y_name: "% right",
        x: Axis::of_epochs(last),
        y: Axis::of_percent(lowest),
        series: vec![bold("training images", colour::BLUE, train), bold("test images", colour::ORANGE, test)],
    };

    let mut canvas = Canvas::new(PICTURE, (WIDTH, HEIGHT))?;
    canvas.text("Training", (MARGIN, MARGIN + 8.0), Align::Left, Face::new(20.0, colour::INK).bold());
    canvas.text(&summary(epochs), (MARGIN, MARGIN + 32.0), Align::Left, Face::new(14.0, colour::FAINT_INK));
    loss_panel.draw(&mut canvas, (MARGIN, WIDTH / 2.0 - MARGIN));
    accuracy_panel.draw(&mut canvas, (WIDTH / 2.0 + MARGIN, WIDTH - MARGIN - 8.0));
    canvas.save(path)
}

/// The run in one line.
fn summary(epochs: &[EpochMetrics]) -> String {
    let Some(last) = epochs.last() else { return "no epoch finished yet".into() };
    let plural = if last.epoch == 1 { "epoch" } else { "epochs" };
    let best = epochs
        .iter()
        .filter(|e| e.test_accuracy.is_finite())
        .max_by(|a, b| a.test_accuracy.total_cmp(&b.test_accuracy));
    let best = best
        .map_or_else(String::new, |e| format!(", best {:.2}% in epoch {}", e.test_accuracy * 100.0, e.epoch));
    let loss = match last.train_loss {
        loss if loss.abs() < 1e5 => format!("{loss:.3}"),
        loss => format!("{loss:.1e}"),
    };
    format!("{} {plural}: loss {}, test accuracy {:.2}%{best}", last.epoch, loss, last.test_accuracy * 100.0)
}

/// An exponential mean over about a hundredth of the run, unbiased at its start as in Adam (Kingma and Ba, 2015).
fn smooth(steps: &[StepLoss]) -> Vec<(f64, f64)> {
    let span = (steps.len() as f64 / 120.0).max(1.0);
    let keep = 1.0 - 1.0 / span;
    let (mut mean, mut weight) = (0.0, 0.0);
    let finite = steps.iter().filter(|s| s.loss.is_finite() && s.epoch.is_finite());
    finite
        .map(|step| {
            mean = keep * mean + (1.0 - keep) * step.loss;
            weight = keep * weight + (1.0 - keep);
            (step.epoch, mean / weight)
        })
        .collect()
}

impl Panel<'_> {
    /// Draws the panel between two places from left to right.
    fn draw(&self, canvas: &mut Canvas, (left, right): (f64, f64)) {
        let plot = Plot { left: left + Y_AXIS, right, top: PLOT.0, bottom: PLOT.1 };
        canvas.text(
            self.title,
            (plot.left, plot.top - 22.0),
            Align::Left,
            Face::new(16.0, colour::INK).bold(),
        );
        self.axes(canvas, &plot, left);
        for series in &self.series {
            let place = |&(x, y): &(f64, f64)| plot.place(self.x.share(x), self.y.share(y));
            let places: Vec<Place> = series.points.iter().map(place).collect();
            canvas.path(&places, series.thickness, series.colour);
            if series.marks {
                places.iter().for_each(|&place| canvas.disc(place, MARK, series.colour));
            }
        }
        self.legend(canvas, &plot);
    }

    fn axes(&self, canvas: &mut Canvas, plot: &Plot, left: f64) {
        let face = Face::new(13.0, colour::FAINT_INK);
        for value in self.y.ticks() {
            let (_, y) = plot.place(0.0, self.y.share(value));
            canvas.fill((plot.left, y.round()), (plot.right - plot.left, 1.0), colour::GRID);
            canvas.text(&self.y.label(value), (plot.left - 8.0, y + 0.5), Align::Right, face);
        }
        for value in self.x.ticks() {
            let (x, _) = plot.place(self.x.share(value), 0.0);
            canvas.fill((x.round(), plot.top), (1.0, plot.bottom - plot.top), colour::GRID);
            canvas.text(&self.x.label(value), (x + 0.5, plot.bottom + 16.0), Align::Centre, face);
        }
        canvas.fill((plot.left, plot.bottom), (plot.right - plot.left + 1.0, 1.0), colour::AXIS);
        canvas.fill((plot.left, plot.top), (1.0, plot.bottom - plot.top + 1.0), colour::AXIS);
        let middle = ((plot.left + plot.right) / 2.0, (plot.top + plot.bottom) / 2.0);
        canvas.text("epoch", (middle.0, plot.bottom + 40.0), Align::Centre, face);
        canvas.text_upwards(self.y_name, (left + 6.0, middle.1), Align::Centre, face);
    }

    fn legend(&self, canvas: &mut Canvas, plot: &Plot) {
        const LINE: f64 = 22.0;
        const SAMPLE: f64 = 24.0;
        const INNER: f64 = 10.0;
        let face = Face::new(13.0, colour::INK);
        let shown: Vec<&Series<'_>> = self.series.iter().filter(|s| !s.points.is_empty()).collect();
        if shown.is_empty() {
            return;
        }
        let widest = shown.iter().map(|s| canvas.text_width(s.name, face)).fold(0.0, f64::max);
        let (width, height) = ((widest + SAMPLE + 3.0 * INNER).ceil(), shown.len() as f64 * LINE + INNER);
        let left = plot.right - width - 10.0;
        // In the right half of the plot the lines are flat; the legend goes to the corner which they leave free.
        let there = |p: &&(f64, f64)| self.x.share(p.0) > 0.6;
        let points = shown.iter().flat_map(|s| s.points.iter().filter(there));
        let higher: i64 = points.map(|p| if self.y.share(p.1) > 0.5 { 1 } else { -1 }).sum();
        let top = if higher <= 0 { plot.top + 10.0 } else { plot.bottom - height - 10.0 };
        canvas.fill((left, top), (width, height), colour::GRID);
        canvas.fill((left + 1.0, top + 1.0), (width - 2.0, height - 2.0), colour::PAPER);
        for (row, series) in shown.into_iter().enumerate() {
            let y = top + (INNER + LINE) / 2.0 + row as f64 * LINE;
            let x = left + INNER;
            canvas.line((x, y), (x + SAMPLE, y), series.thickness, series.colour);
            if series.marks {
                canvas.disc((x + SAMPLE / 2.0, y), MARK, series.colour);
            }
            canvas.text(series.name, (x + SAMPLE + INNER, y), Align::Left, face);
        }
    }
}

/// Where the lines of a panel go.
struct Plot {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl Plot {
    /// The place at shares (0…1) of the plot's width and height.
    fn place(&self, x: f64, y: f64) -> Place {
        (self.left + x * (self.right - self.left), self.bottom - y * (self.bottom - self.top))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smoothing_keeps_a_constant_and_leaves_out_what_is_not_finite() {
        let mut steps: Vec<StepLoss> =
            (0..500).map(|i| StepLoss { epoch: f64::from(i), loss: 2.0 }).collect();
        steps[100].loss = f64::NAN;
        let smoothed = smooth(&steps);
        assert_eq!(smoothed.len(), 499);
        assert!(smoothed.iter().all(|p| (p.1 - 2.0).abs() < 1e-9));
        assert!(smooth(&[]).is_empty());
    }
}

//! The numbers of each layer's weights and results, and which of them bytes represent.

use std::path::Path;

use super::colour::Colour;
use super::font::Face;
use super::{canvas::Align, canvas::Canvas, canvas::Place};
use super::{colour, error::PictureError};

const PICTURE: &str = "histograms";
const MARGIN: f64 = 24.0;
/// Title, a line of words, and the legend.
const HEAD: f64 = 92.0;
const PANEL: Place = (250.0, 84.0);
const GAP: f64 = 26.0;
/// Above the panels: the layer's name and what the panels are; below them the numbers.
const ABOVE: f64 = 44.0;
const BELOW: f64 = 34.0;
const BINS: usize = 125;

/// Numbers in bins of one width.
#[derive(Clone, Debug)]
pub struct Histogram {
    /// The lower end of the first bin.
    pub low: f64,
    /// Of a bin.
    pub width: f64,
    /// How many numbers lie in each.
    pub counts: Vec<u64>,
    /// From where to where bytes represent numbers.
    pub range: (f64, f64),
    /// The same in the channel of the narrowest range, where channels have their own.
    pub narrowest: Option<(f64, f64)>,
}

/// A layer of [`histograms`].
#[derive(Clone, Debug)]
pub struct LayerHistograms {
    /// Its name.
    pub name: String,
    /// What else is to be said of it.
    pub note: String,
    /// Of its weight.
    pub weight: Histogram,
    /// Of its result.
    pub output: Histogram,
}

/// Draws the histograms of all layers, by the logarithm of their counts, with the ranges that bytes represent.
///
/// # Errors
/// [`PictureError::Input`] if there is no layer, or more than a sheet holds; [`PictureError::Write`].
pub fn histograms(
    path: &Path,
    title: &str,
    words: &str,
    layers: &[LayerHistograms],
) -> Result<(), PictureError> {
    if layers.is_empty() {
        let reason = "no layer is in bytes".to_owned();
        return Err(PictureError::Input { picture: PICTURE, reason });
    }
    let columns = match layers.len() {
        ..6 => 1,
        6..24 => 2,
        _ => 3,
    };
    let cell = (2.0 * PANEL.0 + 2.0 * GAP, ABOVE + PANEL.1 + BELOW);
    let rows = layers.len().div_ceil(columns);
    let across = columns as f64 * cell.0 + (columns - 1) as f64 * GAP / 2.0 - GAP;
    let width = across.max(660.0) + 2.0 * MARGIN;
    let mut canvas = Canvas::new(PICTURE, (width, HEAD + rows as f64 * cell.1 + 2.0 * MARGIN))?;
    head(&mut canvas, title, words, width - 2.0 * MARGIN);
    for (at, layer) in layers.iter().enumerate() {
        // Down the columns, as the network goes.
        let (column, row) = (at / rows, at % rows);
        let left = MARGIN + column as f64 * (cell.0 + GAP / 2.0);
        let top = MARGIN + HEAD + row as f64 * cell.1;
        let face = Face::new(14.0, colour::INK).bold();
        let name = canvas.fit(&layer.name, face, PANEL.0 * 1.5);
        canvas.text(&name, (left, top + 8.0), Align::Left, face);
        let right = left + 2.0 * PANEL.0 + GAP;
        canvas.text(&layer.note, (right, top + 8.0), Align::Right, Face::new(12.0, colour::FAINT_INK));
        for (place, (name, histogram, colour)) in
            [("weights", &layer.weight, colour::BLUE), ("result", &layer.output, colour::GREEN)]
                .into_iter()
                .enumerate()
        {
            let corner = (left + place as f64 * (PANEL.0 + GAP), top + ABOVE);
            panel(&mut canvas, corner, name, histogram, colour);
        }
    }
    canvas.save(path)
}

fn head(canvas: &mut Canvas, title: &str, words: &str, width: f64) {
    let face = Face::new(20.0, colour::INK).bold();
    let title = canvas.fit(title, face, width);
    canvas.text(&title, (MARGIN, MARGIN + 8.0), Align::Left, face);
    let face = Face::new(14.0, colour::FAINT_INK);
    let words = canvas.fit(words, face, width);
    canvas.text(&words, (MARGIN, MARGIN + 34.0), Align::Left, face);
    let face = Face::new(13.0, colour::INK);
    let mut x = MARGIN;
    for (colours, text) in [
        (&[colour::BLUE, colour::GREEN][..], "within the range of a byte"),
        (&[colour::RED][..], "cut off"),
        (&[][..], "ends of the range"),
    ] {
        for &colour in colours {
            canvas.fill((x, MARGIN + 57.0), (12.0, 12.0), colour);
            x += 15.0;
        }
        if colours.is_empty() {
            canvas.fill((x + 5.0, MARGIN + 55.0), (1.5, 16.0), colour::INK);
            x += 14.0;
        }
        canvas.text(text, (x + 3.0, MARGIN + 63.0), Align::Left, face);
        x += canvas.text_width(text, face) + 26.0;
    }
    canvas.fill((x, MARGIN + 57.0), (16.0, 12.0), SHADE);
    let text = "the narrowest channel's range";
    canvas.text(text, (x + 20.0, MARGIN + 63.0), Align::Left, face);
}

/// Behind what every channel represents.
const SHADE: Colour = Colour(221, 231, 240);

fn panel(canvas: &mut Canvas, (left, top): Place, name: &str, histogram: &Histogram, colour: Colour) {
    let (width, height) = PANEL;
    let (low, high) = ends(histogram);
    let place = |value: f64| left + (value - low) / (high - low) * width;
    canvas.text(name, (left, top - 13.0), Align::Left, Face::new(12.0, colour::FAINT_INK));
    if let Some((from, to)) = histogram.narrowest {
        let (from, to) = (place(from.max(low)), place(to.min(high)));
        canvas.fill((from, top), ((to - from).max(1.0), height), SHADE);
    }
    let bins = bins(histogram, low, high);
    let most = bins.iter().map(|(kept, cut)| kept + cut).max().unwrap_or(0).max(1);
    let tall = |count: u64| height * (1.0 + count as f64).ln() / (1.0 + most as f64).ln();
    let each = width / BINS as f64;
    for (at, &(kept, cut)) in bins.iter().enumerate() {
        let x = left + at as f64 * each;
        let (all, part) = (tall(kept + cut), tall(cut));
        canvas.fill((x, top + height - all), (each, all), if kept > 0 { colour } else { colour::RED });
        if kept > 0 && cut > 0 {
            canvas.fill((x, top + height - part), (each, part), colour::RED);
        }
    }
    canvas.fill((left, top + height), (width, 1.0), colour::AXIS);
    if low < 0.0 && high > 0.0 {
        canvas.fill((place(0.0) - 0.5, top + height), (1.0, 5.0), colour::FAINT_INK);
    }
    for end in [histogram.range.0, histogram.range.1] {
        canvas.fill((place(end) - 0.75, top - 4.0), (1.5, height + 9.0), colour::INK);
    }
    let total: u64 = histogram.counts.iter().sum();
    let cut: u64 = bins.iter().map(|(_, cut)| cut).sum();
    if cut > 0 {
        let text = format!("{} % cut off", short(100.0 * cut as f64 / total.max(1) as f64));
        canvas.text(&text, (left + width, top - 13.0), Align::Right, Face::new(12.0, colour::RED));
    }
    numbers(canvas, histogram, place, (left, top + height + 15.0));
}

/// The ends of the range as numbers below it, beside each other where they would meet.
fn numbers(canvas: &mut Canvas, histogram: &Histogram, place: impl Fn(f64) -> f64, (left, y): Place) {
    let face = Face::new(12.0, colour::INK);
    let texts = [short(histogram.range.0), short(histogram.range.1)];
    let [a, b] = [0, 1].map(|at| canvas.text_width(&texts[at], face));
    let right = left + PANEL.0;
    let mut low = place(histogram.range.0).clamp(left + a / 2.0, right - a / 2.0);
    let mut high = place(histogram.range.1).clamp(left + b / 2.0, right - b / 2.0);
    let short_of = low + a / 2.0 + 8.0 - (high - b / 2.0);
    if short_of > 0.0 {
        high = (high + short_of).min(right - b / 2.0);
        low = low.min(high - b / 2.0 - 8.0 - a / 2.0);
    }
    canvas.text(&texts[0], (low, y), Align::Centre, face);
    canvas.text(&texts[1], (high, y), Align::Centre, face);
    let zero = place(0.0);
    let free = zero - 5.0 > low + a / 2.0 + 6.0 && zero + 5.0 < high - b / 2.0 - 6.0;
    if free {
        canvas.text("0", (zero, y), Align::Centre, Face::new(12.0, colour::FAINT_INK));
    }
}

/// From where to where a panel goes: all numbers and the range.
fn ends(histogram: &Histogram) -> (f64, f64) {
    let last = histogram.low + histogram.width * histogram.counts.len() as f64;
    let (low, high) = (histogram.low.min(histogram.range.0), last.max(histogram.range.1));
    if high > low { (low, high) } else { (low - 1.0, low + 1.0) }
}

/// How many numbers each bin of the picture has within the range and beyond it.
fn bins(histogram: &Histogram, low: f64, high: f64) -> Vec<(u64, u64)> {
    let mut bins = vec![(0, 0); BINS];
    let half = histogram.width.max((histogram.range.1 - histogram.range.0) / 510.0);
    for (at, &count) in histogram.counts.iter().enumerate() {
        let middle = histogram.low + (at as f64 + 0.5) * histogram.width;
        let bin = ((middle - low) / (high - low) * BINS as f64) as usize;
        // A number beyond the end by less than half a step is only rounded, and a bin that the end goes through is within.
        let within = middle + half >= histogram.range.0 && middle - half <= histogram.range.1;
        let place = &mut bins[bin.min(BINS - 1)];
        if within { place.0 += count } else { place.1 += count }
    }
    bins
}

/// A number in few letters.
fn short(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if !(1e-3..1e4).contains(&size) => format!("{value:.1e}"),
        size if size < 0.1 => format!("{value:.4}"),
        size if size < 10.0 => format!("{value:.2}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_off_is_counted_apart() {
        let counts = vec![1, 2, 3, 4];
        let histogram = Histogram { low: 0.0, width: 1.0, counts, range: (0.0, 1.9), narrowest: None };
        let bins = bins(&histogram, 0.0, 4.0);
        let sums = bins.iter().fold((0, 0), |sums, bin| (sums.0 + bin.0, sums.1 + bin.1));
        assert_eq!(sums, (6, 4));
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(
            [0.0, -0.8102, 0.0123, 12.6, 3.8e-11].map(short),
            ["0", "-0.81", "0.0123", "13", "3.8e-11"]
        );
    }
}

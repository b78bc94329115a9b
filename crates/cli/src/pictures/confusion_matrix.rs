//! Which classes are taken for which.

use std::path::Path;

use super::colour::Colour;
use super::{canvas::Align, canvas::Canvas};
use super::{colour, error::PictureError};
use super::{font::Face, font::Fonts};

const PICTURE: &str = "confusion matrix";
const MARGIN: f64 = 20.0;
const TITLE: f64 = 58.0;
const AXIS_NAME: f64 = 24.0;
const NAME_GAP: f64 = 8.0;
const BAR: f64 = 14.0;
const BAR_SPACE: f64 = 92.0;

/// The measures that follow from the number and the names of the classes.
struct Layout {
    classes: usize,
    cell_width: f64,
    cell_height: f64,
    name_size: f64,
    upright_names: bool,
    left: f64,
    top: f64,
    foot: f64,
}

impl Layout {
    fn new(names: &[&str], fonts: &Fonts) -> Self {
        let classes = names.len();
        let count = classes as f64;
        let cell_width = (800.0 / count).floor().clamp(12.0, 84.0);
        let cell_height = (560.0 / count).floor().clamp(12.0, 56.0);
        let name_size = (cell_height * 0.85).min(14.0);
        let face = Face::new(name_size, colour::INK);
        let widest = names.iter().map(|name| face.width(name, fonts)).fold(0.0, f64::max).min(200.0);
        let upright_names = widest > cell_width - 4.0;
        Self {
            classes,
            cell_width,
            cell_height,
            name_size,
            upright_names,
            left: (MARGIN + AXIS_NAME + widest + NAME_GAP).ceil(),
            top: MARGIN + TITLE,
            foot: (if upright_names { widest } else { name_size * 1.3 } + NAME_GAP + AXIS_NAME).ceil(),
        }
    }

    fn right(&self) -> f64 {
        self.left + self.classes as f64 * self.cell_width
    }

    fn bottom(&self) -> f64 {
        self.top + self.classes as f64 * self.cell_height
    }

    fn corner(&self, row: usize, column: usize) -> (f64, f64) {
        (self.left + column as f64 * self.cell_width, self.top + row as f64 * self.cell_height)
    }
}

/// Draws `counts[true class][predicted class]` as a heat map: the number in each cell, the shade by its share of the row,
/// and in the title how many are right.
///
/// # Errors
/// [`PictureError::Input`] when the matrix is empty, not square, or not of as many classes as there are names;
/// [`PictureError::Write`].
pub fn confusion_matrix(
    path: &Path,
    counts: &[Vec<u64>],
    class_names: &[impl AsRef<str>],
) -> Result<(), PictureError> {
    let classes = class_names.len();
    if classes == 0 || counts.len() != classes || counts.iter().any(|row| row.len() != classes) {
        let widths: Vec<usize> = counts.iter().map(Vec::len).collect();
        let reason = format!("{classes} classes want as many rows and columns, got rows of {widths:?}");
        return Err(PictureError::Input { picture: PICTURE, reason });
    }
    let names: Vec<&str> = class_names.iter().map(AsRef::as_ref).collect();
    let layout = Layout::new(&names, Fonts::get()?);
    let width = (layout.right() + BAR_SPACE + MARGIN).max(560.0);
    let mut canvas = Canvas::new(PICTURE, (width, layout.bottom() + layout.foot + MARGIN))?;
    title(&mut canvas, counts);
    for (row, line) in counts.iter().enumerate() {
        let total = sum(line.iter().copied());
        for (column, &count) in line.iter().enumerate() {
            cell(&mut canvas, &layout, (row, column), count, total);
        }
    }
    grid(&mut canvas, &layout);
    axes(&mut canvas, &layout, &names);
    shade_bar(&mut canvas, &layout);
    canvas.save(path)
}

/// A sum that cannot overflow: counts come from a file or a caller.
fn sum(counts: impl Iterator<Item = u64>) -> u128 {
    counts.map(u128::from).sum()
}

fn title(canvas: &mut Canvas, counts: &[Vec<u64>]) {
    let right = sum(counts.iter().enumerate().map(|(class, row)| row[class]));
    let total = sum(counts.iter().flatten().copied());
    let title = match total {
        0 => "Confusion matrix".to_string(),
        _ => format!("Confusion matrix: {:.2}% right", percent(right, total)),
    };
    let words = format!("{} of {} images", grouped(right), grouped(total));
    canvas.text(&title, (MARGIN, MARGIN + 10.0), Align::Left, Face::new(20.0, colour::INK).bold());
    canvas.text(&words, (MARGIN, MARGIN + 34.0), Align::Left, Face::new(14.0, colour::FAINT_INK))
}

/// Hundredths of a percent are cut, not rounded up, so that 99.996 % does not read as perfect.
fn percent(part: u128, whole: u128) -> f64 {
    (part as f64 / whole as f64 * 10_000.0 + 1e-9).floor() / 100.0
}

/// 10000 → 10,000.
fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// From white to a deep blue.
fn shade(share: f64) -> Colour {
    // Two legs, by way of a clear blue: a straight way from white to dark blue would be grey in the middle.
    let (low, high, share) = match share {
        s if s < 0.5 => ((247, 250, 253), (107, 174, 214), s * 2.0),
        s => ((107, 174, 214), (8, 69, 148), s * 2.0 - 1.0),
    };
    let mix = |from: u8, to: u8| (f64::from(from) + (f64::from(to) - f64::from(from)) * share).round() as u8;
    Colour(mix(low.0, high.0), mix(low.1, high.1), mix(low.2, high.2))
}

fn cell(canvas: &mut Canvas, layout: &Layout, (row, column): (usize, usize), count: u64, total: u128) {
    let share = if total == 0 { 0.0 } else { count as f64 / total as f64 };
    let (x, y) = layout.corner(row, column);
    canvas.fill((x, y), (layout.cell_width, layout.cell_height), shade(share));
    let ink = match share {
        s if s > 0.55 => colour::PAPER,
        _ if count == 0 => colour::AXIS,
        _ => colour::INK,
    };
    let face = Face::new((layout.cell_height * 0.4).min(15.0), ink);
    let face = if row == column { face.bold() } else { face };
    let words = count.to_string();
    // Where the classes are many, the shade alone must do.
    if face.size >= 8.0 && canvas.text_width(&words, face) <= layout.cell_width - 4.0 {
        canvas.text(&words, (x + layout.cell_width / 2.0, y + layout.cell_height / 2.0), Align::Centre, face);
    }
}

fn grid(canvas: &mut Canvas, layout: &Layout) {
    let (width, height) = (layout.right() - layout.left, layout.bottom() - layout.top);
    for index in 0..=layout.classes {
        let (x, y) = layout.corner(index, index);
        canvas.fill((layout.left, y), (width + 1.0, 1.0), colour::GRID);
        canvas.fill((x, layout.top), (1.0, height + 1.0), colour::GRID);
    }
}

fn axes(canvas: &mut Canvas, layout: &Layout, names: &[&str]) {
    let face = Face::new(layout.name_size, colour::INK);
    for (class, name) in names.iter().enumerate() {
        let name = canvas.fit(name, face, 200.0);
        let (x, y) = layout.corner(class, class);
        let middle = (x + layout.cell_width / 2.0, y + layout.cell_height / 2.0);
        canvas.text(&name, (layout.left - NAME_GAP, middle.1), Align::Right, face);
        let below = layout.bottom() + NAME_GAP;
        if layout.upright_names {
            canvas.text_upwards(&name, (middle.0, below), Align::Right, face);
        } else {
            canvas.text(&name, (middle.0, below + layout.name_size * 0.6), Align::Centre, face);
        }
    }
    let face = Face::new(15.0, colour::FAINT_INK);
    let centre = ((layout.left + layout.right()) / 2.0, (layout.top + layout.bottom()) / 2.0);
    canvas.text("predicted class", (centre.0, layout.bottom() + layout.foot - 6.0), Align::Centre, face);
    canvas.text_upwards("true class", (MARGIN + 6.0, centre.1), Align::Centre, face)
}

/// What the shades mean.
fn shade_bar(canvas: &mut Canvas, layout: &Layout) {
    let (left, top) = (layout.right() + 22.0, layout.top);
    let height = layout.bottom() - top;
    let steps = height as usize;
    for step in 0..steps {
        let share = 1.0 - (step as f64 + 0.5) / steps as f64;
        canvas.fill((left, top + step as f64), (BAR, 1.0), shade(share));
    }
    let face = Face::new(12.0, colour::FAINT_INK);
    for percent in [0, 25, 50, 75, 100] {
        let y = top + height * (1.0 - f64::from(percent) / 100.0);
        canvas.line((left + BAR, y), (left + BAR + 4.0, y), 1.0, colour::AXIS);
        canvas.text(&format!("{percent}%"), (left + BAR + 8.0, y), Align::Left, face);
    }
    canvas.text("share of row", (left + BAR / 2.0, top - 16.0), Align::Centre, face)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(percent(9_123, 10_000), 91.23);
        assert_eq!(percent(99_999, 100_000), 99.99);
        assert_eq!(percent(1, 1), 100.0);
    }

    #[test]
    fn shades_darken_with_the_share() {
        let lightness = |share: f64| {
            let Colour(r, g, b) = shade(share);
            u32::from(r) + u32::from(g) + u32::from(b)
        };
        let steps: Vec<u32> = (0..=10).map(|i| lightness(f64::from(i) / 10.0)).collect();
        assert!(steps.windows(2).all(|pair| pair[0] > pair[1]), "{steps:?}");
    }
}

//! A sheet of what layers give, map by map.

use std::path::Path;

use super::colour::Colour;
use super::font::Face;
use super::{canvas::Align, canvas::Canvas};
use super::{colour, colour_map::ramp, error::PictureError};

const PICTURE: &str = "sheet of feature maps";
const MARGIN: f64 = 20.0;
const TITLE: f64 = 44.0;
const HEAD: f64 = 34.0;
const GAP: f64 = 4.0;
/// Small maps are magnified by the largest whole factor that keeps their longer side within this.
const SIDE: usize = 112;
/// A row is about as wide as this.
const WIDTH: f64 = 960.0;

/// What a layer gives: maps one behind the other.
#[derive(Clone, Copy, Debug)]
pub struct FeatureMaps<'a> {
    /// The layer's path.
    pub name: &'a str,
    /// Rows of a map.
    pub height: usize,
    /// Columns of a map.
    pub width: usize,
    /// The numbers, height · width for each map.
    pub values: &'a [f32],
}

/// Draws the first `most` maps of each layer, side by side, magnified without smoothing. Each map goes through the whole
/// colour map, from its least number to its largest; a map of one number alone is the colour map's beginning.
///
/// # Errors
/// [`PictureError::Input`] if there is no map, or numbers do not fill maps; [`PictureError::Write`].
pub fn feature_maps(
    path: &Path,
    title: &str,
    layers: &[FeatureMaps<'_>],
    most: usize,
) -> Result<(), PictureError> {
    let input = |reason: String| Err(PictureError::Input { picture: PICTURE, reason });
    let mut plans = Vec::with_capacity(layers.len());
    for layer in layers {
        let area = layer.height.saturating_mul(layer.width);
        if area == 0 || most == 0 || layer.values.is_empty() || !layer.values.len().is_multiple_of(area) {
            let (name, count) = (layer.name, layer.values.len());
            return input(format!(
                "{name}: {count} numbers do not make maps of {}×{}",
                layer.height, layer.width
            ));
        }
        let factor = (SIDE / layer.height.max(layer.width)).clamp(1, 16);
        let cell = ((layer.width * factor) as f64 + GAP, (layer.height * factor) as f64 + GAP);
        let count = layer.values.len() / area;
        let columns = ((WIDTH / cell.0) as usize).clamp(1, count.min(most));
        plans.push((layer, factor, cell, count, columns));
    }
    if plans.is_empty() {
        return input("there is no layer".to_owned());
    }
    let rows = |count: usize, columns: usize| count.min(most).div_ceil(columns) as f64;
    let width = plans.iter().map(|(_, _, cell, _, columns)| *columns as f64 * cell.0).fold(480.0, f64::max);
    let height: f64 =
        plans.iter().map(|(_, _, cell, count, columns)| HEAD + rows(*count, *columns) * cell.1).sum();
    let mut canvas = Canvas::new(PICTURE, (width + 2.0 * MARGIN, height + TITLE + 2.0 * MARGIN))?;
    let room = width - 8.0;
    let face = Face::new(20.0, colour::INK).bold();
    let title = canvas.fit(title, face, room);
    canvas.text(&title, (MARGIN, MARGIN + 8.0), Align::Left, face);
    let words = "each map from its least number (dark) to its largest (light)";
    canvas.text(words, (MARGIN, MARGIN + 30.0), Align::Left, Face::new(13.0, colour::FAINT_INK));
    let mut top = MARGIN + TITLE;
    for (layer, factor, cell, count, columns) in plans {
        let shown = if count > most { format!(", the first {most} of") } else { ":".to_owned() };
        let words = format!("{}{shown} {count} maps of {}×{}", layer.name, layer.height, layer.width);
        let face = Face::new(15.0, colour::INK);
        let words = canvas.fit(&words, face, room);
        canvas.text(&words, (MARGIN, top + 14.0), Align::Left, face);
        top += HEAD;
        for (at, map) in layer.values.chunks(layer.height * layer.width).take(most).enumerate() {
            let corner = (MARGIN + (at % columns) as f64 * cell.0, top + (at / columns) as f64 * cell.1);
            canvas.pixels(corner, layer.width, factor, &coloured(map));
        }
        top += rows(count, columns) * cell.1;
    }
    canvas.save(path)
}

/// The map's numbers as colours; what is no number is red.
fn coloured(map: &[f32]) -> Vec<Colour> {
    let finite = || map.iter().copied().filter(|number| number.is_finite());
    let (least, most) = (finite().fold(f32::INFINITY, f32::min), finite().fold(f32::NEG_INFINITY, f32::max));
    let span = f64::from(most) - f64::from(least);
    let colour = |&number: &f32| {
        if number.is_nan() {
            return colour::RED;
        }
        let part = (f64::from(number) - f64::from(least)) / span;
        ramp(if part.is_nan() { 0.0 } else { part })
    };
    map.iter().map(colour).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_goes_from_end_to_end() {
        let colours = coloured(&[2.0, -1.0, 0.5, f32::NAN, f32::INFINITY]);
        assert_eq!(colours, [ramp(1.0), ramp(0.0), ramp(0.5), colour::RED, ramp(1.0)]);
        assert_eq!(coloured(&[3.0, 3.0]), [ramp(0.0); 2]);
    }
}

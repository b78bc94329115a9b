//! Boxes over a picture, each with what was found in it.

use std::path::Path;

use super::{
    canvas::{Align, Canvas, Place},
    colour::{self, Colour},
    error::PictureError,
    font::Face,
};

/// A box with its words.
pub struct FoundBox {
    /// Left, top, right and bottom, in pixels of the picture.
    pub bounds: [f32; 4],
    /// What stands at its upper edge.
    pub label: String,
    /// The number by which its colour is chosen.
    pub class: usize,
}

/// Colours that white letters stand out from.
const COLOURS: [Colour; 6] =
    [colour::BLUE, colour::ORANGE, Colour(0, 125, 92), Colour(153, 61, 118), colour::RED, Colour(85, 85, 85)];

/// Draws `boxes` over a picture of `width` pixels in a row (RGB) and writes a PNG. The first ones, the best, lie above the others.
///
/// # Errors
/// [`PictureError`] if the picture is too large or empty, or cannot be written.
pub fn found_boxes(path: &Path, rgb: &[u8], width: usize, boxes: &[FoundBox]) -> Result<(), PictureError> {
    let pixels: Vec<Colour> = rgb.as_chunks().0.iter().map(|&[r, g, b]| Colour(r, g, b)).collect();
    let height = pixels.len() / width.max(1);
    let (wide, high) = (width as f64, height as f64);
    let mut canvas = Canvas::new("boxes that were found", (wide, high))?;
    canvas.pixels((0.0, 0.0), width, 1, &pixels);
    let line = (wide.min(high) / 200.0).clamp(1.0, 6.0).round();
    let size = (wide.min(high) / 28.0).clamp(11.0, 40.0);
    let face = Face::new(size, colour::PAPER).bold();
    for one in boxes.iter().rev() {
        let colour = COLOURS[one.class % COLOURS.len()];
        let [left, top, right, bottom] = one.bounds.map(f64::from);
        let (left, right) = (left.clamp(0.0, wide), right.clamp(0.0, wide));
        let (top, bottom) = (top.clamp(0.0, high), bottom.clamp(0.0, high));
        frame(&mut canvas, [left, top, right, bottom], line, colour);
        let text = canvas.fit(&one.label, face, wide - 8.0);
        let (text_width, text_height) = (canvas.text_width(&text, face) + 8.0, (size * 1.2).ceil());
        // Above the box, or in it where there is no room; never outside of the picture.
        let y = if top >= text_height { top - text_height } else { top };
        let x = left.min(wide - text_width).max(0.0);
        canvas.fill((x, y), (text_width, text_height), colour);
        canvas.text(&text, (x + 4.0, y + text_height / 2.0), Align::Left, face);
    }
    canvas.save(path)
}

/// A frame that lies within its bounds.
fn frame(canvas: &mut Canvas, [left, top, right, bottom]: [f64; 4], line: f64, colour: Colour) {
    let (width, height) = ((right - left).max(line), (bottom - top).max(line));
    let sides: [(Place, Place); 4] = [
        ((left, top), (width, line)),
        ((left, top + height - line), (width, line)),
        ((left, top), (line, height)),
        ((left + width - line, top), (line, height)),
    ];
    sides.into_iter().for_each(|(corner, extent)| canvas.fill(corner, extent, colour));
}

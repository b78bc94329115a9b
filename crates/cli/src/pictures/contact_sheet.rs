//! A sheet of pictures with words below each.

use std::path::Path;

use tilewright_data::picture::{Filter, Picture};

use super::colour::Colour;
use super::font::Face;
use super::{canvas::Align, canvas::Canvas};
use super::{colour, error::PictureError};

const PICTURE: &str = "contact sheet";
const MARGIN: f64 = 20.0;
const TITLE: f64 = 40.0;
const SIDE: usize = 180;
const CAPTION: f64 = 40.0;
const GAP: f64 = 12.0;
const COLUMNS: usize = 5;
const FRAME: f64 = 3.0;

/// A picture of a [`contact_sheet`].
#[derive(Clone, Debug)]
pub struct Thumbnail {
    /// The picture; without one there is a grey field.
    pub picture: Option<Picture>,
    /// Two lines below it.
    pub words: [String; 2],
    /// Whether it has a frame.
    pub framed: bool,
}

/// Draws pictures in rows of five, each brought within 180×180 pixels, with two lines of words below it.
///
/// # Errors
/// [`PictureError::Input`] if there is no picture, or more than a sheet holds; [`PictureError::Write`].
pub fn contact_sheet(path: &Path, title: &str, pictures: &[Thumbnail]) -> Result<(), PictureError> {
    if pictures.is_empty() {
        return Err(PictureError::Input { picture: PICTURE, reason: "there are no pictures".to_owned() });
    }
    let (side, columns) = (SIDE as f64, pictures.len().min(COLUMNS));
    let cell = (side + 2.0 * FRAME + GAP, side + 2.0 * FRAME + CAPTION + GAP);
    let rows = pictures.len().div_ceil(columns);
    let size = (columns as f64 * cell.0 - GAP, TITLE + rows as f64 * cell.1 - GAP);
    let mut canvas = Canvas::new(PICTURE, (size.0.max(420.0) + 2.0 * MARGIN, size.1 + 2.0 * MARGIN))?;
    let face = Face::new(20.0, colour::INK).bold();
    let title = canvas.fit(title, face, size.0.max(420.0));
    canvas.text(&title, (MARGIN, MARGIN + 10.0), Align::Left, face);
    for (at, thumbnail) in pictures.iter().enumerate() {
        let left = MARGIN + (at % columns) as f64 * cell.0;
        let top = MARGIN + TITLE + (at / columns) as f64 * cell.1;
        if thumbnail.framed {
            canvas.fill((left, top), (side + 2.0 * FRAME, side + 2.0 * FRAME), colour::BLUE);
        }
        let field = (left + FRAME, top + FRAME);
        canvas.fill(
            field,
            (side, side),
            if thumbnail.picture.is_some() { colour::PAPER } else { colour::GRID },
        );
        if let Some(small) = thumbnail.picture.as_ref().and_then(within) {
            let (width, height) = (small.width(), small.height());
            let corner = (field.0 + ((SIDE - width) / 2) as f64, field.1 + ((SIDE - height) / 2) as f64);
            let samples = small.as_u8().unwrap_or_default();
            let colours: Vec<Colour> =
                samples.chunks_exact(3).map(|rgb| Colour(rgb[0], rgb[1], rgb[2])).collect();
            canvas.pixels(corner, width, 1, &colours);
        }
        for (line, (words, ink)) in thumbnail.words.iter().zip([colour::INK, colour::FAINT_INK]).enumerate() {
            let face = Face::new(13.0, ink);
            let words = canvas.fit(words, face, side);
            let below = top + side + 2.0 * FRAME + 12.0 + 17.0 * line as f64;
            canvas.text(&words, (field.0 + side / 2.0, below), Align::Centre, face);
        }
    }
    canvas.save(path)
}

/// The picture within the field, in its proportions.
fn within(picture: &Picture) -> Option<Picture> {
    let longer = picture.width().max(picture.height());
    let scaled = |extent: usize| (extent * SIDE / longer).clamp(1, SIDE);
    let (width, height) = (scaled(picture.width()), scaled(picture.height()));
    picture.clone().to_rgb8().resize(width, height, Filter::Bicubic).ok()
}

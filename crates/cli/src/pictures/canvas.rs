//! A white sheet to draw on with smooth edges, and the way from there to a file.
//!
//! Places and sizes are in pixels, (0, 0) being the upper left corner of the upper left pixel. What falls outside the
//! sheet is not drawn.

use std::path::Path;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};

use super::colour::Colour;
use super::{colour, error::PictureError};
use super::{font::Face, font::Fonts};

/// A place on the sheet, or an extent: x, then y.
pub(super) type Place = (f64, f64);

/// A sheet of `width`×`height` pixels.
pub(super) struct Canvas {
    width: u32,
    height: u32,
    /// RGB, row by row.
    pixels: Vec<u8>,
    fonts: &'static Fonts,
}

/// Where a piece of text stands relative to its place.
#[derive(Clone, Copy)]
pub(super) enum Align {
    Left,
    Centre,
    Right,
}

/// Which way a piece of text reads.
#[derive(Clone, Copy)]
enum Direction {
    Across,
    Upwards,
}

impl Canvas {
    /// A white sheet, at most as large as a wall of screens: more is a mistake of the caller.
    pub(super) fn new(picture: &'static str, (width, height): Place) -> Result<Self, PictureError> {
        const LARGEST_SIDE: f64 = 16_384.0;
        if !(1.0..=LARGEST_SIDE).contains(&width) || !(1.0..=LARGEST_SIDE).contains(&height) {
            let reason = format!("it would take {width}×{height} pixels; sides go up to {LARGEST_SIDE}");
            return Err(PictureError::Input { picture, reason });
        }
        let (width, height) = (width.ceil() as u32, height.ceil() as u32);
        let colour::Colour(white, ..) = colour::PAPER;
        let pixels = vec![white; 3 * width as usize * height as usize];
        Ok(Self { width, height, pixels, fonts: Fonts::get()? })
    }

    /// Lays `colour` over one pixel; `cover` goes from 0 (not at all) to 1 (wholly).
    fn blend(&mut self, x: i64, y: i64, Colour(r, g, b): Colour, cover: f64) {
        if x < 0 || y < 0 || x >= i64::from(self.width) || y >= i64::from(self.height) {
            return;
        }
        let place = 3 * (y as usize * self.width as usize + x as usize);
        for (old, new) in self.pixels[place..place + 3].iter_mut().zip([r, g, b]) {
            *old =
                (f64::from(*old) + (f64::from(new) - f64::from(*old)) * cover.clamp(0.0, 1.0)).round() as u8;
        }
    }

    /// Colours each pixel of a region by how much of it is covered, which `cover` tells from the pixel's middle.
    fn region(&mut self, from: Place, to: Place, colour: Colour, cover: impl Fn(f64, f64) -> f64) {
        let clip = |value: f64, side: u32| value.clamp(0.0, f64::from(side)) as i64;
        for y in clip(from.1.floor(), self.height)..clip(to.1.ceil(), self.height) {
            for x in clip(from.0.floor(), self.width)..clip(to.0.ceil(), self.width) {
                let cover = cover(x as f64 + 0.5, y as f64 + 0.5);
                if cover > 0.0 {
                    self.blend(x, y, colour, cover);
                }
            }
        }
    }

    /// A filled rectangle, from its upper left corner.
    pub(super) fn fill(&mut self, corner: Place, (width, height): Place, colour: Colour) {
        let end = (corner.0 + width, corner.1 + height);
        let overlap =
            |middle: f64, from: f64, to: f64| (to.min(middle + 0.5) - from.max(middle - 0.5)).max(0.0);
        self.region(corner, end, colour, |x, y| overlap(x, corner.0, end.0) * overlap(y, corner.1, end.1));
    }

    /// Pixels in rows of `width`, each a square of `factor`×`factor`, from a whole place on.
    pub(super) fn pixels(&mut self, corner: Place, width: usize, factor: usize, colours: &[Colour]) {
        let (left, top, factor) = (corner.0.round() as i64, corner.1.round() as i64, factor as i64);
        for (row, colours) in colours.chunks(width.max(1)).enumerate() {
            for (column, &colour) in colours.iter().enumerate() {
                let (x, y) = (left + column as i64 * factor, top + row as i64 * factor);
                for (down, across) in
                    (0..factor).flat_map(|down| (0..factor).map(move |across| (down, across)))
                {
                    self.set(x + across, y + down, colour);
                }
            }
        }
    }

    fn set(&mut self, x: i64, y: i64, Colour(r, g, b): Colour) {
        if x < 0 || y < 0 || x >= i64::from(self.width) || y >= i64::from(self.height) {
            return;
        }
        let place = 3 * (y as usize * self.width as usize + x as usize);
        self.pixels[place..place + 3].copy_from_slice(&[r, g, b]);
    }

    /// A filled circle.
    pub(super) fn disc(&mut self, (x, y): Place, radius: f64, colour: Colour) {
        let reach = radius + 1.0;
        self.region((x - reach, y - reach), (x + reach, y + reach), colour, |px, py| {
            radius + 0.5 - (px - x).hypot(py - y)
        });
    }

    /// A straight line with round ends.
    pub(super) fn line(&mut self, from: Place, to: Place, width: f64, colour: Colour) {
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let length_squared = dx * dx + dy * dy;
        let reach = width / 2.0 + 1.0;
        let low = (from.0.min(to.0) - reach, from.1.min(to.1) - reach);
        let high = (from.0.max(to.0) + reach, from.1.max(to.1) + reach);
        self.region(low, high, colour, |x, y| {
            let along = ((x - from.0) * dx + (y - from.1) * dy) / length_squared;
            let along = if along.is_finite() { along.clamp(0.0, 1.0) } else { 0.0 };
            width / 2.0 + 0.5 - (x - from.0 - along * dx).hypot(y - from.1 - along * dy)
        });
    }

    /// A line from place to place.
    pub(super) fn path(&mut self, places: &[Place], width: f64, colour: Colour) {
        places.windows(2).for_each(|pair| self.line(pair[0], pair[1], width, colour));
    }

    /// Text whose capitals' middle is at the height of `place`.
    pub(super) fn text(&mut self, text: &str, place: Place, align: Align, face: Face) {
        self.letters(text, place, align, face, Direction::Across);
    }

    /// The same, turned to read upwards; [`Align::Right`] then means that it ends, at its top, at `place`.
    pub(super) fn text_upwards(&mut self, text: &str, place: Place, align: Align, face: Face) {
        self.letters(text, place, align, face, Direction::Upwards);
    }

    fn letters(&mut self, text: &str, (x, y): Place, align: Align, face: Face, direction: Direction) {
        let start = match align {
            Align::Left => 0.0,
            Align::Centre => -face.width(text, self.fonts) / 2.0,
            Align::Right => -face.width(text, self.fonts),
        };
        // Whole pixels for the line that the letters stand on: their feet come out sharp.
        let (along, across) = match direction {
            Direction::Across => (x, y),
            Direction::Upwards => (-y, x),
        };
        let baseline = (across + face.capital_height() / 2.0).round();
        let fonts = self.fonts;
        face.draw(text, (along + start, baseline), fonts, |u, v, cover| match direction {
            Direction::Across => self.blend(u, v, face.colour, cover),
            Direction::Upwards => self.blend(v, -u - 1, face.colour, cover),
        });
    }

    /// The width of a piece of text.
    pub(super) fn text_width(&self, text: &str, face: Face) -> f64 {
        face.width(text, self.fonts)
    }

    /// `text`, cut with an ellipsis where it would be wider than `limit`.
    pub(super) fn fit(&self, text: &str, face: Face, limit: f64) -> String {
        face.fit(text, limit, self.fonts)
    }

    /// Writes the picture as PNG: whole, or nothing.
    pub(super) fn save(&self, path: &Path) -> Result<(), PictureError> {
        let write_error = |source| PictureError::Write { path: path.to_path_buf(), source };
        let mut bytes = Vec::new();
        PngEncoder::new_with_quality(&mut bytes, CompressionType::Default, FilterType::Adaptive)
            .write_image(&self.pixels, self.width, self.height, ExtendedColorType::Rgb8)
            .map_err(|error| match error {
                image::ImageError::IoError(source) => write_error(source),
                other => write_error(std::io::Error::other(other)),
            })?;
        tilewright_runtime::write_whole(path, &bytes).map_err(write_error)
    }
}

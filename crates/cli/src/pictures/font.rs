//! The typeface: DejaVu Sans, compiled in (its licence, Bitstream Vera's, allows that), so that a bare machine will do.

use std::sync::OnceLock;

use ab_glyph::{Font, FontRef, PxScale, ScaleFont, point};

use super::colour::Colour;
use super::error::PictureError;

/// The parsed typeface.
pub(super) struct Fonts {
    regular: FontRef<'static>,
    bold: FontRef<'static>,
}

impl Fonts {
    /// Parses the typeface, once for the process.
    pub(super) fn get() -> Result<&'static Self, PictureError> {
        static FONTS: OnceLock<Option<Fonts>> = OnceLock::new();
        let parse = || {
            let regular = FontRef::try_from_slice(dejavu::sans::regular()).ok()?;
            let bold = FontRef::try_from_slice(dejavu::sans::bold()).ok()?;
            Some(Fonts { regular, bold })
        };
        FONTS.get_or_init(parse).as_ref().ok_or(PictureError::Font)
    }
}

/// How a piece of text looks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Face {
    /// From the top of the highest letter to the foot of the lowest, in pixels.
    pub size: f64,
    pub bold: bool,
    pub colour: Colour,
}

impl Face {
    pub(super) fn new(size: f64, colour: Colour) -> Self {
        Self { size, bold: false, colour }
    }

    pub(super) fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    /// How high a capital is: in DejaVu Sans 0.729 em of the 1.164 em between the highest and the lowest.
    pub(super) fn capital_height(self) -> f64 {
        self.size * 0.729 / 1.164
    }

    /// Walks along the text's glyphs, each with the place where it starts.
    fn walk(
        self,
        text: &str,
        fonts: &Fonts,
        mut visit: impl FnMut(&FontRef<'static>, ab_glyph::GlyphId, f32),
    ) -> f32 {
        let font = if self.bold { &fonts.bold } else { &fonts.regular };
        let scaled = font.as_scaled(PxScale::from(self.size as f32));
        let mut x = 0.0;
        let mut previous = None;
        for character in text.chars() {
            let glyph = scaled.glyph_id(character);
            x += previous.map_or(0.0, |previous| scaled.kern(previous, glyph));
            visit(font, glyph, x);
            x += scaled.h_advance(glyph);
            previous = Some(glyph);
        }
        x
    }

    /// The width of `text` in pixels.
    pub(super) fn width(self, text: &str, fonts: &Fonts) -> f64 {
        f64::from(self.walk(text, fonts, |_, _, _| {}))
    }

    /// `text`, cut with an ellipsis where it would be wider than `limit` pixels.
    pub(super) fn fit(self, text: &str, limit: f64, fonts: &Fonts) -> String {
        if self.width(text, fonts) <= limit {
            return text.to_string();
        }
        let characters: Vec<char> = text.chars().collect();
        (0..characters.len())
            .rev()
            .map(|kept| characters[..kept].iter().collect::<String>().trim_end().to_string() + "…")
            .find(|shortened| self.width(shortened, fonts) <= limit)
            .unwrap_or_default()
    }

    /// Calls `pixel(x, y, cover)` for each pixel of the letters, which stand on `origin`.
    pub(super) fn draw(
        self,
        text: &str,
        origin: (f64, f64),
        fonts: &Fonts,
        mut pixel: impl FnMut(i64, i64, f64),
    ) {
        self.walk(text, fonts, |font, glyph, x| {
            let place = point(origin.0 as f32 + x, origin.1 as f32);
            if let Some(outline) = font.outline_glyph(glyph.with_scale_and_position(self.size as f32, place))
            {
                let corner = outline.px_bounds().min;
                outline.draw(|dx, dy, cover| {
                    let (x, y) = (corner.x as i64 + i64::from(dx), corner.y as i64 + i64::from(dy));
                    pixel(x, y, f64::from(cover));
                });
            }
        });
    }
}

//! Random changes of colour.

use super::step::{Image, Transform};
use crate::{DataError, SampleRng};

/// Changes brightness, contrast, saturation and hue at random, in random order, by torchvision's `ColorJitter` on numbers
/// from 0 to 1. Grey images have no saturation and no hue to change.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ColorJitter {
    brightness: f32,
    contrast: f32,
    saturation: f32,
    hue: f32,
}

impl ColorJitter {
    /// Factors within 1 ± `brightness`, `contrast`, `saturation` (not below 0), and a turn of the hue within ± `hue` of the
    /// circle.
    ///
    /// # Errors
    /// [`DataError::InvalidOption`] for what is negative or no number, and for a hue above 0.5.
    pub fn new(brightness: f32, contrast: f32, saturation: f32, hue: f32) -> Result<Self, DataError> {
        let bounds = [
            ("brightness", brightness, f32::MAX),
            ("contrast", contrast, f32::MAX),
            ("saturation", saturation, f32::MAX),
            ("hue", hue, 0.5),
        ];
        match bounds.into_iter().find(|(_, value, most)| !(0.0..=*most).contains(value)) {
            Some((what, value, most)) => {
                let reason = format!("{what} is {value}; it must be 0 to {most}");
                Err(DataError::InvalidOption { setting: "ColorJitter", reason })
            }
            None => Ok(Self { brightness, contrast, saturation, hue }),
        }
    }
}

/// One change of colour, torchvision's `adjust_…`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Adjustment {
    /// 0 is black, 1 the image as it is.
    Brightness(f32),
    /// 0 is the mean grey everywhere.
    Contrast(f32),
    /// 0 is a grey image.
    Saturation(f32),
    /// A turn by this part of the circle of colours.
    Hue(f32),
}

impl Adjustment {
    /// Changes the image, of 3 channels or 1.
    ///
    /// # Errors
    /// [`DataError::Transform`] for another number of channels.
    pub fn apply(self, image: &mut Image) -> Result<(), DataError> {
        image.check("ColorJitter")?;
        let [channels, height, width] = image.shape;
        if channels != 1 && channels != 3 {
            let reason = "colours have 3 channels, grey images 1".to_owned();
            return Err(DataError::Transform { transform: "ColorJitter", shape: image.shape, reason });
        }
        let coloured = channels == 3;
        let plane = height * width;
        match self {
            Self::Brightness(factor) => blend(&mut image.pixels, |_| 0.0, factor),
            Self::Contrast(factor) => {
                let grey =
                    |at: usize| if coloured { grey(&image.pixels, plane, at) } else { image.pixels[at] };
                let mean = (0..plane).map(|at| f64::from(grey(at))).sum::<f64>() / plane.max(1) as f64;
                blend(&mut image.pixels, |_| mean as f32, factor);
            }
            Self::Saturation(factor) if coloured => {
                let greys: Vec<f32> = (0..plane).map(|at| grey(&image.pixels, plane, at)).collect();
                blend(&mut image.pixels, |at| greys[at % plane], factor);
            }
            Self::Hue(turn) if coloured => {
                for at in 0..plane {
                    let places = [at, plane + at, 2 * plane + at];
                    let turned = turn_hue(places.map(|place| image.pixels[place]), turn);
                    places.into_iter().zip(turned).for_each(|(place, value)| image.pixels[place] = value);
                }
            }
            Self::Saturation(_) | Self::Hue(_) => {}
        }
        Ok(())
    }
}

/// Rec. 601 luma, with torchvision's digits.
fn grey(pixels: &[f32], plane: usize, at: usize) -> f32 {
    0.2989 * pixels[at] + 0.587 * pixels[plane + at] + 0.114 * pixels[2 * plane + at]
}

fn blend(pixels: &mut [f32], other: impl Fn(usize) -> f32, factor: f32) {
    for (at, pixel) in pixels.iter_mut().enumerate() {
        *pixel = (factor * *pixel + (1.0 - factor) * other(at)).clamp(0.0, 1.0);
    }
}

/// Turns the hue of a colour, by way of hue, saturation and value (Smith, 1978).
fn turn_hue([r, g, b]: [f32; 3], turn: f32) -> [f32; 3] {
    let (most, least) = (r.max(g).max(b), r.min(g).min(b));
    let spread = most - least;
    if spread == 0.0 {
        return [most; 3];
    }
    let [rc, gc, bc] = [r, g, b].map(|value| (most - value) / spread);
    let sector = if most == r {
        bc - gc
    } else if most == g {
        2.0 + rc - bc
    } else {
        4.0 + gc - rc
    };
    let hue = (sector / 6.0 + 1.0 + turn).rem_euclid(1.0);
    let saturation = spread / most;
    let (whole, part) = ((hue * 6.0).floor(), (hue * 6.0).fract());
    let value = |less: f32| (most * (1.0 - less)).clamp(0.0, 1.0);
    let [p, q, t] = [value(saturation), value(saturation * part), value(saturation * (1.0 - part))];
    match whole as u32 % 6 {
        0 => [most, t, p],
        1 => [q, most, p],
        2 => [p, most, t],
        3 => [p, q, most],
        4 => [t, p, most],
        _ => [most, p, q],
    }
}

impl Transform for ColorJitter {
    fn apply(&self, image: &mut Image, rng: &mut SampleRng) -> Result<(), DataError> {
        let within = |bound: f32, unit: f64| {
            let (low, high) = ((1.0 - bound).max(0.0), 1.0 + bound);
            low + (high - low) * unit as f32
        };
        // All are drawn, so that the steps after this one see the same numbers whatever the bounds.
        let units = [(); 4].map(|()| rng.unit());
        let mut steps = [
            (self.brightness, Adjustment::Brightness(within(self.brightness, units[0]))),
            (self.contrast, Adjustment::Contrast(within(self.contrast, units[1]))),
            (self.saturation, Adjustment::Saturation(within(self.saturation, units[2]))),
            (self.hue, Adjustment::Hue((2.0 * units[3] as f32 - 1.0) * self.hue)),
        ];
        for last in (1..steps.len()).rev() {
            steps.swap(last, rng.below(last as u64 + 1) as usize);
        }
        steps.into_iter().filter(|(bound, _)| *bound > 0.0).try_for_each(|(_, step)| step.apply(image))
    }
}

//! The table of a resized axis.

use super::method::{Axis, Coordinates, Interpolation};
use super::taps::{filled, taps};
use crate::{error::ShapeError, resample::TapTable};

impl TapTable {
    /// An axis of `extent` elements resized to `size`. `scale` is size / extent unless it was given and rounded.
    ///
    /// # Errors
    /// [`ShapeError::Parameter`] where something is to be made of nothing, or the scale is not positive.
    pub fn resize(
        extent: usize,
        size: usize,
        scale: Option<f32>,
        interpolation: Interpolation,
        coordinates: Coordinates,
    ) -> Result<Self, ShapeError> {
        let axis = Axis::new(extent, size, scale);
        let scale = axis.scale;
        if size > 0 && (extent == 0 || !(scale > 0.0 && scale.is_finite())) {
            let (op, parameter, value) = ("resample", "scale", format!("{scale} of an extent of {extent}"));
            let hint = "give a positive scale, and an axis that is not empty";
            return Err(ShapeError::Parameter { op, parameter, value, hint });
        }
        if size == 0 {
            return Ok(Self { taps: 1, entries: vec![] });
        }
        let mut places = Vec::with_capacity(size.min(1 << 20));
        for place in 0..size {
            places.push(taps(coordinates.original(place, axis, interpolation), axis, interpolation));
        }
        let most = places.iter().map(Vec::len).max().unwrap_or(1);
        let mut entries = Vec::with_capacity(size.saturating_mul(most).min(1 << 20));
        for taps in places {
            entries.extend(filled(taps, most));
        }
        Ok(Self { taps: most, entries })
    }
}

/// A resize of the last two axes of N C H W.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Resize2d {
    /// Height and width of the result.
    pub size: [usize; 2],
    /// What the sizes were rounded from, where coordinates are to follow that; else size / extent.
    pub scale: Option<[f32; 2]>,
    /// Between which elements.
    pub interpolation: Interpolation,
    /// Where a place lies.
    pub coordinates: Coordinates,
}

impl Resize2d {
    /// The tables for a height and width.
    ///
    /// # Errors
    /// Those of [`TapTable::resize`].
    pub fn tables(&self, extents: [usize; 2]) -> Result<[TapTable; 2], ShapeError> {
        let table = |axis: usize| {
            let scale = self.scale.map(|scale| scale[axis]);
            TapTable::resize(extents[axis], self.size[axis], scale, self.interpolation, self.coordinates)
        };
        Ok([table(0)?, table(1)?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resize::Rounding;

    fn places(table: &TapTable) -> Vec<f32> {
        // Of the ramp 0, 1, 2, … a weighted sum is the place itself.
        table.entries().chunks(table.taps()).map(|taps| taps.iter().map(|[i, w]| i * w).sum()).collect()
    }

    fn resize(extent: usize, size: usize, how: Interpolation, coordinates: Coordinates) -> TapTable {
        TapTable::resize(extent, size, None, how, coordinates).expect("a table")
    }

    #[test]
    fn a_ramp_shows_where_places_lie() {
        let linear =
            |extent, size, coordinates| places(&resize(extent, size, Interpolation::Linear, coordinates));
        assert_eq!(linear(2, 4, Coordinates::HalfPixel), [0.0, 0.25, 0.75, 1.0]);
        assert_eq!(linear(2, 4, Coordinates::HalfPixelSymmetric), [0.0, 0.25, 0.75, 1.0]);
        assert_eq!(linear(3, 5, Coordinates::AlignCorners), [0.0, 0.5, 1.0, 1.5, 2.0]);
        assert_eq!(linear(2, 4, Coordinates::Asymmetric), [0.0, 0.5, 1.0, 1.0]);
        assert_eq!(linear(4, 1, Coordinates::PytorchHalfPixel), [0.0]);
        let nearest = Interpolation::Nearest(Rounding::Floor);
        assert_eq!(places(&resize(2, 5, nearest, Coordinates::Asymmetric)), [0.0, 0.0, 0.0, 1.0, 1.0]);
        let crop = Coordinates::CropAndResize { start: 0.25, end: 0.75 };
        assert_eq!(linear(5, 3, crop), [1.0, 2.0, 3.0]);
        assert_eq!(linear(5, 1, crop), [2.0]);
        assert_eq!(crop.outside(5, 3, None), [false; 3]);
        let wide = Coordinates::CropAndResize { start: -0.25, end: 1.25 };
        assert_eq!(wide.outside(5, 3, None), [true, false, true]);
        assert_eq!(Coordinates::HalfPixel.outside(2, 4, None), [false; 4]);
    }

    /// The values are ONNX Runtime 1.32's on a ramp.
    #[test]
    fn scales_that_were_rounded() {
        let scaled = |extent, size, scale, how, coordinates| {
            places(&TapTable::resize(extent, size, Some(scale), how, coordinates).expect("a table"))
        };
        let floor = Interpolation::Nearest(Rounding::Floor);
        assert_eq!(scaled(5, 3, 0.6, floor, Coordinates::HalfPixel), [0.0, 2.0, 3.0]);
        assert_eq!(scaled(6, 3, 0.6, floor, Coordinates::Asymmetric), [0.0, 1.0, 3.0]);
        // 1.5 elements become one: it is the first in `pytorch_half_pixel`, whose text asks for the rounded length.
        let linear = Interpolation::Linear;
        assert_eq!(scaled(5, 1, 0.3, linear, Coordinates::PytorchHalfPixel), [0.0]);
        let symmetric = scaled(4, 2, 0.6, linear, Coordinates::HalfPixelSymmetric);
        assert!((symmetric[0] - 0.666_666_7).abs() < 1e-6 && (symmetric[1] - 2.333_333_3).abs() < 1e-6);
    }

    #[test]
    fn halves_are_rounded_as_asked() {
        for (rounding, expected) in [
            (Rounding::Floor, 1.0),
            (Rounding::Ceil, 2.0),
            (Rounding::PreferFloor, 1.0),
            (Rounding::PreferCeil, 2.0),
        ] {
            assert_eq!(rounding.nearest(1.5), expected, "{rounding:?}");
        }
    }

    #[test]
    fn weights_sum_to_one() {
        for exclude_outside in [false, true] {
            for how in [
                Interpolation::Cubic { a: -0.75, exclude_outside },
                Interpolation::LinearAntialias { exclude_outside },
                Interpolation::CubicAntialias { a: -0.5, exclude_outside },
            ] {
                for size in [2, 13] {
                    let table = resize(5, size, how, Coordinates::HalfPixel);
                    assert_eq!(table.len(), size);
                    for taps in table.entries().chunks(table.taps()) {
                        let sum: f32 = taps.iter().map(|[_, weight]| weight).sum();
                        assert!((sum - 1.0).abs() < 1e-6, "{taps:?}");
                    }
                }
            }
        }
    }

    /// Halving by the triangle: 1 3 3 1 eighths, the outermost at the edge, where they are excluded or stand for it.
    #[test]
    fn an_antialiased_place_is_a_mean_of_what_it_stands_for() {
        let weights = |exclude_outside| {
            let how = Interpolation::LinearAntialias { exclude_outside };
            let table = resize(6, 3, how, Coordinates::HalfPixel);
            assert_eq!(table.taps(), 4);
            let mut dense = [[0.0f32; 6]; 3];
            for (at, [index, weight]) in table.entries().iter().enumerate() {
                assert!(*weight > 0.0);
                dense[at / 4][*index as usize] += weight;
            }
            dense
        };
        let middle = [0.0, 0.125, 0.375, 0.375, 0.125, 0.0];
        let edge = [0.5, 0.375, 0.125, 0.0, 0.0, 0.0];
        let cut = [3.0 / 7.0, 3.0 / 7.0, 1.0 / 7.0, 0.0, 0.0, 0.0];
        let reversed = |row: [f32; 6]| [row[5], row[4], row[3], row[2], row[1], row[0]];
        assert_eq!(weights(false), [edge, middle, reversed(edge)]);
        assert_eq!(weights(true), [cut, middle, reversed(cut)]);
    }

    #[test]
    fn nothing_is_made_of_nothing() {
        let linear = Interpolation::Linear;
        assert!(TapTable::resize(0, 3, None, linear, Coordinates::HalfPixel).is_err());
        assert!(resize(0, 0, linear, Coordinates::HalfPixel).is_empty());
        assert!(resize(4, 0, linear, Coordinates::HalfPixel).is_empty());
    }
}

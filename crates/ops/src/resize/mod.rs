//! Resizing: which elements a place of the new axis is made of, and their weights.

mod taps;

use crate::{error::ShapeError, resample::TapTable};
use taps::{filled, taps};

/// Between which elements a resized place lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Interpolation {
    /// The nearest element.
    Nearest(Rounding),
    /// The two around it, by distance.
    Linear,
    /// The four around it, by Keys' cubic convolution (IEEE ASSP 29, 1981).
    Cubic {
        /// Keys' free parameter: −0.75 in PyTorch and ONNX, −0.5 in TensorFlow.
        a: f32,
        /// Whether taps outside the axis are left out and the others weighted up; else the edge stands for them.
        exclude_outside: bool,
    },
    /// As [`Self::Linear`]; where the axis shrinks, the triangle is stretched over all elements that a place stands for.
    LinearAntialias {
        /// As [`Self::Cubic`] has it; PyTorch and PIL leave them out.
        exclude_outside: bool,
    },
    /// As [`Self::Cubic`]; where the axis shrinks, Keys' function is stretched over all elements that a place stands for.
    CubicAntialias {
        /// Keys' free parameter: −0.75 in ONNX, −0.5 in PyTorch's and PIL's antialiased form.
        a: f32,
        /// As [`Self::Cubic`] has it; PyTorch and PIL leave them out.
        exclude_outside: bool,
    },
}

/// Which element is the nearest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rounding {
    /// The one before.
    Floor,
    /// The one behind.
    Ceil,
    /// The closer one, of two equally close the one before.
    PreferFloor,
    /// The closer one, of two equally close the one behind.
    PreferCeil,
}

/// Where place i of a resized axis lies on the original one, ONNX's names.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Coordinates {
    /// (i + ½) / scale − ½: pixels are areas. PyTorch's `align_corners=False`.
    HalfPixel,
    /// As [`Self::HalfPixel`], but 0 where the result has one element.
    PytorchHalfPixel,
    /// As [`Self::HalfPixel`], with the middles of both axes in one place where scale · extent was rounded to the size.
    HalfPixelSymmetric,
    /// i · (extent − 1) / (size − 1): the outermost centres coincide. PyTorch's `align_corners=True`. With a scale that was
    /// given, scale · extent stands for the size, as ONNX's test data have it.
    AlignCorners,
    /// i / scale.
    Asymmetric,
    /// (i + ½) / scale.
    TfHalfPixelForNn,
    /// As [`Self::AlignCorners`] over the part of the axis from `start` to `end`, both as fractions of extent − 1. A result
    /// of one element is the middle of that part. TensorFlow's `crop_and_resize`.
    CropAndResize {
        /// Where the part begins.
        start: f32,
        /// Where it ends.
        end: f32,
    },
}

/// An axis that is to be resized.
#[derive(Clone, Copy)]
struct Axis {
    extent: usize,
    size: usize,
    /// What the size was rounded from.
    exact: f64,
    scale: f64,
}

impl Axis {
    fn new(extent: usize, size: usize, scale: Option<f32>) -> Self {
        // In f64, and the weights rounded once; only where a place falls on one side or the other is f32's arithmetic kept.
        Self {
            extent,
            size,
            exact: scale.map_or(size as f64, |scale| f64::from(scale) * extent as f64),
            scale: scale.map_or(size as f64 / extent as f64, f64::from),
        }
    }
}

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

impl Coordinates {
    fn original(self, place: usize, axis: Axis, interpolation: Interpolation) -> f64 {
        let Axis { extent, size, exact, scale } = axis;
        let i = place as f64;
        // Which of two elements is the nearest is decided in f32, step by step, as ONNX Runtime and PyTorch do: the scale 0.6
        // of an f32 is a little more, and 1.5 / 0.6 shall be 2.5.
        let step = |value: f64| match interpolation {
            Interpolation::Nearest(_) => f64::from(value as f32),
            _ => value,
        };
        let half = || step((i + 0.5) / scale) - 0.5;
        match self {
            Self::PytorchHalfPixel if size == 1 => 0.0,
            Self::HalfPixel | Self::PytorchHalfPixel => half(),
            Self::HalfPixelSymmetric => {
                let center = extent as f64 / 2.0;
                step(center * (1.0 - size as f64 / exact)) + half()
            }
            Self::AlignCorners if exact == 1.0 => 0.0,
            Self::AlignCorners => i * (extent - 1) as f64 / (exact - 1.0),
            Self::Asymmetric => i / scale,
            Self::TfHalfPixelForNn => (i + 0.5) / scale,
            Self::CropAndResize { start, end } => {
                let (start, end, last) = (f64::from(start), f64::from(end), (extent - 1) as f64);
                if exact == 1.0 {
                    0.5 * (start + end) * last
                } else {
                    start * last + i * (end - start) * last / (exact - 1.0)
                }
            }
        }
    }

    /// For each of `size` places whether it lies outside the axis, where [`Self::CropAndResize`] asks for a value of its own;
    /// the arguments are those of [`TapTable::resize`].
    #[must_use]
    pub fn outside(self, extent: usize, size: usize, scale: Option<f32>) -> Vec<bool> {
        let axis = Axis::new(extent, size, scale);
        let outside = |place| {
            let at = self.original(place, axis, Interpolation::Linear);
            matches!(self, Self::CropAndResize { .. }) && !(0.0..=extent as f64 - 1.0).contains(&at)
        };
        (0..size).map(outside).collect()
    }
}

impl Rounding {
    fn nearest(self, at: f32) -> f32 {
        match self {
            Self::Floor => at.floor(),
            Self::Ceil => at.ceil(),
            Self::PreferFloor => (at - 0.5).ceil(),
            Self::PreferCeil => (at + 0.5).floor(),
        }
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

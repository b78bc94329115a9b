//! Axes drawn anew from a few of their own elements each: resizing, and padding by what is there.

use crate::{error::ShapeError, extent::element_count};

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Coordinates {
    /// (i + ½) / scale − ½: pixels are areas. PyTorch's `align_corners=False`.
    HalfPixel,
    /// As [`Self::HalfPixel`], but 0 where the result has one element.
    PytorchHalfPixel,
    /// i · (extent − 1) / (size − 1): the outermost centres coincide. PyTorch's `align_corners=True`. With a scale that was
    /// given, scale · extent stands for the size, as ONNX has it.
    AlignCorners,
    /// i / scale.
    Asymmetric,
    /// (i + ½) / scale.
    TfHalfPixelForNn,
}

/// For each place of an axis the elements that it is the weighted sum of, as many for each.
#[derive(Debug, Clone, PartialEq)]
pub struct TapTable {
    taps: usize,
    entries: Vec<[f32; 2]>,
}

impl TapTable {
    /// Each place is the element at one of `indices`.
    #[must_use]
    pub fn gather(indices: &[usize]) -> Self {
        Self { taps: 1, entries: indices.iter().map(|&index| [index as f32, 1.0]).collect() }
    }

    /// The axis as it is.
    #[must_use]
    pub fn identity(extent: usize) -> Self {
        Self::gather(&(0..extent).collect::<Vec<_>>())
    }

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
        // In f64, and the weights rounded once; only where a place falls on one side or the other is f32's arithmetic kept.
        let exact = scale.map_or(size as f64, |scale| f64::from(scale) * extent as f64);
        let scale = scale.map_or(size as f64 / extent as f64, f64::from);
        if size > 0 && (extent == 0 || !(scale > 0.0 && scale.is_finite())) {
            let (op, parameter, value) = ("resample", "scale", format!("{scale} of an extent of {extent}"));
            let hint = "give a positive scale, and an axis that is not empty";
            return Err(ShapeError::Parameter { op, parameter, value, hint });
        }
        let taps = match interpolation {
            Interpolation::Nearest(_) => 1,
            Interpolation::Linear => 2,
            Interpolation::Cubic { .. } => 4,
        };
        let mut entries = Vec::with_capacity(size.saturating_mul(taps).min(1 << 20));
        for place in 0..size {
            let at = coordinates.original(place, extent, exact, scale);
            // The offsets of the taps from the element before, and their weights.
            let before = at.floor();
            let part = at - before;
            let weights: &mut dyn Iterator<Item = (f64, f64)> = match interpolation {
                Interpolation::Nearest(rounding) => {
                    &mut std::iter::once((f64::from(rounding.nearest(at as f32)) - before, 1.0))
                }
                Interpolation::Linear => &mut [(0.0, 1.0 - part), (1.0, part)].into_iter(),
                Interpolation::Cubic { a, exclude_outside } => &mut cubic(f64::from(a), part, |offset| {
                    exclude_outside && !(0.0..extent as f64).contains(&(before + offset))
                })
                .into_iter(),
            };
            for (offset, weight) in weights {
                let place = (before + offset).clamp(0.0, (extent - 1) as f64);
                entries.push([place as f32, weight as f32]);
            }
        }
        Ok(Self { taps, entries })
    }

    /// Places of the result.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len() / self.taps
    }

    /// Whether the result has no place.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Elements for each place.
    #[must_use]
    pub fn taps(&self) -> usize {
        self.taps
    }

    /// (index, weight), the taps of a place one behind the other.
    #[must_use]
    pub fn entries(&self) -> &[[f32; 2]] {
        &self.entries
    }

    /// The table of the transposed map, by which the gradient goes back to an axis of `extent` elements: each of them
    /// gathers from the places that drew on it, as many taps as the busiest one needs.
    #[must_use]
    pub fn transposed(&self, extent: usize) -> Self {
        let mut readers: Vec<Vec<[f32; 2]>> = vec![Vec::new(); extent];
        for (at, &[index, weight]) in self.entries.iter().enumerate() {
            if let Some(list) = readers.get_mut(index as usize).filter(|_| weight != 0.0) {
                list.push([(at / self.taps) as f32, weight]);
            }
        }
        let taps = readers.iter().map(Vec::len).max().unwrap_or(0).max(1);
        let padded = readers.into_iter().flat_map(|mut list| {
            list.resize(taps, [0.0; 2]);
            list
        });
        Self { taps, entries: padded.collect() }
    }
}

impl Coordinates {
    fn original(self, place: usize, extent: usize, size: f64, scale: f64) -> f64 {
        let i = place as f64;
        match self {
            Self::PytorchHalfPixel if size == 1.0 => 0.0,
            Self::HalfPixel | Self::PytorchHalfPixel => (i + 0.5) / scale - 0.5,
            Self::AlignCorners if size == 1.0 => 0.0,
            Self::AlignCorners => i * (extent - 1) as f64 / (size - 1.0),
            Self::Asymmetric => i / scale,
            Self::TfHalfPixelForNn => (i + 0.5) / scale,
        }
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

/// The offsets and weights of four taps around a place `part` behind the second of them.
fn cubic(a: f64, part: f64, outside: impl Fn(f64) -> bool) -> [(f64, f64); 4] {
    let near = |t: f64| ((a + 2.0) * t - (a + 3.0)) * t * t + 1.0;
    let far = |t: f64| ((a * t - 5.0 * a) * t + 8.0 * a) * t - 4.0 * a;
    let mut taps =
        [(-1.0, far(part + 1.0)), (0.0, near(part)), (1.0, near(1.0 - part)), (2.0, far(2.0 - part))];
    for (offset, weight) in &mut taps {
        if outside(*offset) {
            *weight = 0.0;
        }
    }
    let sum: f64 = taps.iter().map(|(_, weight)| weight).sum();
    taps.map(|(offset, weight)| (offset, weight / sum))
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

/// The shape of x with the axes `axis` and `axis + 1` drawn anew; the tables have shape `[places, taps, 2]`.
///
/// # Errors
/// [`ShapeError::Axis`] where there are no two such axes, [`ShapeError::Operand`] for a table of another shape,
/// [`ShapeError::EmptyReduction`] where elements are to be made of nothing.
pub fn resample_shape(
    x: &[usize],
    axis: usize,
    rows: &[usize],
    columns: &[usize],
) -> Result<Vec<usize>, ShapeError> {
    let op = "resample";
    if axis.checked_add(1).is_none_or(|second| second >= x.len()) {
        let axis = isize::try_from(axis).unwrap_or(isize::MAX);
        return Err(ShapeError::Axis { op, axis, shape: x.to_vec() });
    }
    let mut shape = x.to_vec();
    for (at, operand, table) in [(axis, "rows", rows), (axis + 1, "columns", columns)] {
        let &[places, taps, 2] = table else {
            let shape = table.to_vec();
            return Err(ShapeError::Rank { op, operand, shape, expected: "three: places, taps, 2" });
        };
        if taps == 0 || (x[at] == 0 && places > 0) {
            return Err(ShapeError::EmptyReduction { op, shape: x.to_vec(), axes: vec![at] });
        }
        shape[at] = places;
    }
    element_count(op, &shape)?;
    Ok(shape)
}

/// The shape of x with the axis `axis` replaced by the axes of the indices.
///
/// # Errors
/// [`ShapeError::Axis`], [`ShapeError::TooManyElements`], and [`ShapeError::EmptyReduction`] for elements of an empty axis.
pub fn gather_shape(x: &[usize], axis: usize, indices: &[usize]) -> Result<Vec<usize>, ShapeError> {
    let op = "gather";
    if axis >= x.len() {
        let axis = isize::try_from(axis).unwrap_or(isize::MAX);
        return Err(ShapeError::Axis { op, axis, shape: x.to_vec() });
    }
    let shape = [&x[..axis], indices, &x[axis + 1..]].concat();
    if element_count(op, &shape)? > 0 && x[axis] == 0 {
        return Err(ShapeError::EmptyReduction { op, shape: x.to_vec(), axes: vec![axis] });
    }
    Ok(shape)
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
        assert_eq!(linear(3, 5, Coordinates::AlignCorners), [0.0, 0.5, 1.0, 1.5, 2.0]);
        assert_eq!(linear(2, 4, Coordinates::Asymmetric), [0.0, 0.5, 1.0, 1.0]);
        assert_eq!(linear(4, 1, Coordinates::PytorchHalfPixel), [0.0]);
        let nearest = Interpolation::Nearest(Rounding::Floor);
        assert_eq!(places(&resize(2, 5, nearest, Coordinates::Asymmetric)), [0.0, 0.0, 0.0, 1.0, 1.0]);
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
            let how = Interpolation::Cubic { a: -0.75, exclude_outside };
            let table = resize(5, 13, how, Coordinates::HalfPixel);
            for taps in table.entries().chunks(4) {
                let sum: f32 = taps.iter().map(|[_, weight]| weight).sum();
                assert!((sum - 1.0).abs() < 1e-6, "{taps:?}");
            }
        }
    }

    #[test]
    fn the_transpose_has_the_same_entries() {
        let table = resize(3, 7, Interpolation::Linear, Coordinates::HalfPixel);
        let back = table.transposed(3);
        assert_eq!(back.len(), 3);
        let dense = |table: &TapTable, extent: usize| {
            let mut matrix = vec![vec![0.0; extent]; table.len()];
            for (at, [index, weight]) in table.entries().iter().enumerate() {
                matrix[at / table.taps()][*index as usize] += weight;
            }
            matrix
        };
        let (there, back) = (dense(&table, 3), dense(&back, 7));
        for (i, row) in there.iter().enumerate() {
            for (j, &weight) in row.iter().enumerate() {
                assert_eq!(back[j][i], weight, "{i} {j}");
            }
        }
    }

    #[test]
    fn shapes() {
        assert_eq!(resample_shape(&[2, 3, 4, 5], 2, &[8, 2, 2], &[9, 1, 2]), Ok(vec![2, 3, 8, 9]));
        assert!(resample_shape(&[2, 3], 1, &[8, 2, 2], &[9, 1, 2]).is_err());
        assert!(resample_shape(&[2, 3], 0, &[8, 2], &[9, 1, 2]).is_err());
        assert!(resample_shape(&[0, 3], 0, &[8, 2, 2], &[9, 1, 2]).is_err());
        assert_eq!(gather_shape(&[2, 3, 4], 1, &[5, 6]), Ok(vec![2, 5, 6, 4]));
        assert!(gather_shape(&[2, 0], 1, &[1]).is_err());
        assert!(gather_shape(&[2], 1, &[1]).is_err());
        assert!(TapTable::resize(0, 3, None, Interpolation::Linear, Coordinates::HalfPixel).is_err());
    }
}

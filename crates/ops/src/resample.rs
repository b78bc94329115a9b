//! Axes drawn anew from a few of their own elements each: [resizing](crate::resize), and padding by what is there.

use crate::{error::ShapeError, extent::element_count};

/// For each place of an axis the elements that it is the weighted sum of, as many for each.
#[derive(Debug, Clone, PartialEq)]
pub struct TapTable {
    pub(crate) taps: usize,
    pub(crate) entries: Vec<[f32; 2]>,
}

impl TapTable {
    /// The most places of an axis: an index is held as f32, which has every whole number up to here.
    pub const MOST_INDEX: usize = 1 << 24;

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
    use crate::{Coordinates, Interpolation};

    #[test]
    fn the_transpose_has_the_same_entries() {
        let table = TapTable::resize(3, 7, None, Interpolation::Linear, Coordinates::HalfPixel);
        let table = table.expect("a table");
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
    }
}

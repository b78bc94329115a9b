//! Movement: operations that only place elements elsewhere.

use crate::{error::ShapeError, extent::element_count};

/// The shape of a reshape. One extent of `to` may be −1: it is inferred from the number of elements.
///
/// # Errors
/// [`ShapeError::Reshape`].
pub fn reshape_shape(from: &[usize], to: &[isize]) -> Result<Vec<usize>, ShapeError> {
    let op = "reshape";
    let error = |reason| ShapeError::Reshape { op, from: from.to_vec(), to: to.to_vec(), reason };
    let count = element_count(op, from)?;
    let mut inferred = None;
    let mut shape = Vec::with_capacity(to.len());
    for (axis, &extent) in to.iter().enumerate() {
        match usize::try_from(extent) {
            Ok(extent) => shape.push(extent),
            Err(_) if extent == -1 && inferred.is_none() => {
                inferred = Some(axis);
                // A neutral factor until it is known.
                shape.push(1);
            }
            Err(_) if extent == -1 => return Err(error("only one extent may be -1")),
            Err(_) => return Err(error("extents must be 0 or more, or -1 once")),
        }
    }
    let known = element_count(op, &shape)?;
    if let Some(axis) = inferred {
        if known == 0 {
            return Err(error("an extent of 0 leaves -1 undetermined; name it"));
        }
        if !count.is_multiple_of(known) {
            return Err(error("the named extents do not divide the number of elements"));
        }
        shape[axis] = count / known;
    } else if known != count {
        return Err(error("the number of elements would change"));
    }
    Ok(shape)
}

/// The shape of a permutation: axis `i` of the result is axis `axes[i]` of the operand.
///
/// # Errors
/// [`ShapeError::Permutation`].
pub fn permute_shape(shape: &[usize], axes: &[usize]) -> Result<Vec<usize>, ShapeError> {
    let mut sorted = axes.to_vec();
    sorted.sort_unstable();
    if sorted.len() != shape.len() || sorted.iter().enumerate().any(|(axis, &named)| axis != named) {
        return Err(ShapeError::Permutation { op: "permute", axes: axes.to_vec(), shape: shape.to_vec() });
    }
    Ok(axes.iter().map(|&axis| shape[axis]).collect())
}

/// The indices start, start + step, … below end of one axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SliceRange {
    /// First index.
    pub start: usize,
    /// One past the last index.
    pub end: usize,
    /// Distance between indices, at least 1.
    pub step: usize,
}

impl SliceRange {
    /// A range with step 1.
    #[must_use]
    pub const fn new(start: usize, end: usize) -> Self {
        Self { start, end, step: 1 }
    }

    /// All of an axis.
    #[must_use]
    pub const fn full(extent: usize) -> Self {
        Self { start: 0, end: extent, step: 1 }
    }

    /// How many indices it holds; 0 for a step of 0, which [`slice_shape`] refuses.
    #[must_use]
    pub const fn len(&self) -> usize {
        if self.step == 0 { 0 } else { self.end.saturating_sub(self.start).div_ceil(self.step) }
    }

    /// Whether it holds no index.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The shape of a slice with one range for each axis.
///
/// # Errors
/// [`ShapeError::Rank`] for another number of ranges, [`ShapeError::Slice`] for a range outside its axis.
pub fn slice_shape(shape: &[usize], ranges: &[SliceRange]) -> Result<Vec<usize>, ShapeError> {
    let op = "slice";
    if ranges.len() != shape.len() {
        let shape = shape.to_vec();
        return Err(ShapeError::Rank { op, operand: "input", shape, expected: "one for each range" });
    }
    for (axis, (&extent, &SliceRange { start, end, step })) in shape.iter().zip(ranges).enumerate() {
        if start > end || end > extent || step == 0 {
            return Err(ShapeError::Slice { op, axis, start, end, step, shape: shape.to_vec() });
        }
    }
    Ok(ranges.iter().map(SliceRange::len).collect())
}

/// The shape of operands joined along `axis`.
///
/// # Errors
/// [`ShapeError::NoOperands`], [`ShapeError::Axis`], [`ShapeError::Concat`], [`ShapeError::TooManyElements`].
pub fn concat_shape(shapes: &[&[usize]], axis: usize) -> Result<Vec<usize>, ShapeError> {
    let op = "concat";
    let Some((&first, rest)) = shapes.split_first() else {
        return Err(ShapeError::NoOperands { op });
    };
    if axis >= first.len() {
        let axis = isize::try_from(axis).unwrap_or(isize::MAX);
        return Err(ShapeError::Axis { op, axis, shape: first.to_vec() });
    }
    let mut joined = first.to_vec();
    for (index, &other) in rest.iter().enumerate() {
        let same = other.len() == first.len()
            && (0..first.len())
                .all(|other_axis| other_axis == axis || other[other_axis] == first[other_axis]);
        if !same {
            let (first, other) = (first.to_vec(), other.to_vec());
            return Err(ShapeError::Concat { op, first, other, operand: index + 1, axis });
        }
        joined[axis] = joined[axis]
            .checked_add(other[axis])
            .ok_or_else(|| ShapeError::TooManyElements { op, shape: first.to_vec() })?;
    }
    element_count(op, &joined)?;
    Ok(joined)
}

/// The shapes of the parts of `shape` along `axis`, whose extents are `parts`.
///
/// # Errors
/// [`ShapeError::Axis`]; [`ShapeError::NoOperands`] without a part; [`ShapeError::Operand`] where the parts together are not
/// the axis.
pub fn split_shapes(shape: &[usize], axis: usize, parts: &[usize]) -> Result<Vec<Vec<usize>>, ShapeError> {
    let op = "split";
    let Some(&extent) = shape.get(axis) else {
        let axis = isize::try_from(axis).unwrap_or(isize::MAX);
        return Err(ShapeError::Axis { op, axis, shape: shape.to_vec() });
    };
    if parts.is_empty() {
        return Err(ShapeError::NoOperands { op });
    }
    let together = parts.iter().try_fold(0_usize, |sum, &part| sum.checked_add(part));
    if together != Some(extent) {
        let mut expected = shape.to_vec();
        expected[axis] = together.unwrap_or(usize::MAX);
        return Err(ShapeError::Operand { op, operand: "x", shape: shape.to_vec(), expected });
    }
    let part = |&part: &usize| {
        let mut own = shape.to_vec();
        own[axis] = part;
        own
    };
    Ok(parts.iter().map(part).collect())
}

/// The shape of a padding with a constant: `padding` holds, for each axis, the elements added before and after.
///
/// # Errors
/// [`ShapeError::Rank`] for another number of pairs, [`ShapeError::TooManyElements`].
pub fn pad_shape(shape: &[usize], padding: &[(usize, usize)]) -> Result<Vec<usize>, ShapeError> {
    let op = "pad";
    if padding.len() != shape.len() {
        let shape = shape.to_vec();
        return Err(ShapeError::Rank {
            op,
            operand: "input",
            shape,
            expected: "one for each pair of paddings",
        });
    }
    let padded: Option<Vec<usize>> = shape
        .iter()
        .zip(padding)
        .map(|(&extent, &(before, after))| extent.checked_add(before)?.checked_add(after))
        .collect();
    let padded = padded.ok_or_else(|| ShapeError::TooManyElements { op, shape: shape.to_vec() })?;
    element_count(op, &padded)?;
    Ok(padded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reshape_infers_one_extent() {
        let ok: [(&[usize], &[isize], &[usize]); 7] = [
            (&[2, 3, 4], &[6, 4], &[6, 4]),
            (&[2, 3, 4], &[2, -1], &[2, 12]),
            (&[2, 3, 4], &[-1], &[24]),
            (&[], &[1, 1], &[1, 1]),
            (&[1], &[], &[]),
            (&[0, 3], &[-1, 3], &[0, 3]),
            (&[0, 3], &[5, 0], &[5, 0]),
        ];
        for (from, to, expected) in ok {
            assert_eq!(reshape_shape(from, to).as_deref(), Ok(expected), "{from:?} {to:?}");
        }
        for (from, to) in [
            (&[2, 3][..], &[7][..]),
            (&[2, 3], &[-1, -1]),
            (&[2, 3], &[-1, 4]),
            (&[2, 3], &[-2, 3]),
            (&[0, 3], &[-1, 0]),
            (&[2, 3], &[]),
        ] {
            assert!(matches!(reshape_shape(from, to), Err(ShapeError::Reshape { .. })), "{from:?} {to:?}");
        }
    }

    #[test]
    fn permute_wants_every_axis_once() {
        assert_eq!(permute_shape(&[2, 3, 4, 5], &[0, 2, 3, 1]), Ok(vec![2, 4, 5, 3]));
        assert_eq!(permute_shape(&[], &[]), Ok(vec![]));
        for axes in [&[0, 1][..], &[0, 1, 1], &[0, 1, 3], &[0, 1, 2, 3]] {
            assert!(
                matches!(permute_shape(&[2, 3, 4], axes), Err(ShapeError::Permutation { .. })),
                "{axes:?}"
            );
        }
    }

    #[test]
    fn slice_stays_inside() {
        let range = |start, end, step| SliceRange { start, end, step };
        assert_eq!(slice_shape(&[7, 5], &[range(1, 7, 3), SliceRange::full(5)]), Ok(vec![2, 5]));
        assert_eq!(slice_shape(&[7], &[range(0, 7, 3)]), Ok(vec![3]));
        assert_eq!(slice_shape(&[7], &[SliceRange::new(7, 7)]), Ok(vec![0]));
        assert_eq!(slice_shape(&[0], &[SliceRange::full(0)]), Ok(vec![0]));
        for wrong in [range(0, 8, 1), range(3, 2, 1), range(0, 7, 0)] {
            assert!(matches!(slice_shape(&[7], &[wrong]), Err(ShapeError::Slice { .. })), "{wrong:?}");
        }
        assert!(matches!(slice_shape(&[7, 5], &[SliceRange::full(7)]), Err(ShapeError::Rank { .. })));
    }

    #[test]
    fn concat_adds_one_axis() {
        assert_eq!(concat_shape(&[&[2, 3], &[2, 0], &[2, 4]], 1), Ok(vec![2, 7]));
        assert_eq!(concat_shape(&[&[2, 3]], 0), Ok(vec![2, 3]));
        assert!(matches!(concat_shape(&[], 0), Err(ShapeError::NoOperands { .. })));
        assert!(matches!(concat_shape(&[&[2, 3]], 2), Err(ShapeError::Axis { .. })));
        assert!(matches!(concat_shape(&[&[2, 3], &[3, 3]], 1), Err(ShapeError::Concat { operand: 1, .. })));
        assert!(matches!(concat_shape(&[&[2, 3], &[2, 3, 1]], 1), Err(ShapeError::Concat { .. })));
    }

    #[test]
    fn pad_adds_on_both_sides() {
        assert_eq!(pad_shape(&[2, 0, 3], &[(0, 0), (1, 2), (0, 4)]), Ok(vec![2, 3, 7]));
        assert!(matches!(pad_shape(&[2, 3], &[(0, 0)]), Err(ShapeError::Rank { .. })));
        assert!(matches!(pad_shape(&[2], &[(usize::MAX, 0)]), Err(ShapeError::TooManyElements { .. })));
    }
}

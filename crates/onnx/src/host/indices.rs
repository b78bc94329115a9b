//! Index maths over row-major shapes.

/// The row-major strides of a shape.
pub(super) fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (0..shape.len().saturating_sub(1)).rev() {
        strides[axis] = strides[axis + 1] * shape[axis + 1];
    }
    strides
}

/// Where the elements of a box of `shape` lie in a tensor, by a stride for each of its axes and the place of the first.
/// The caller has seen to it that each is inside, and that the box is not too large.
pub(super) fn strided(shape: &[usize], strides: &[isize], offset: isize) -> Vec<usize> {
    if shape.contains(&0) {
        return vec![];
    }
    let mut places = vec![offset];
    for (&extent, &stride) in shape.iter().zip(strides) {
        let steps = (0..extent as isize).map(|step| step * stride);
        places = places.iter().flat_map(|&place| steps.clone().map(move |step| place + step)).collect();
    }
    places.into_iter().map(|place| place as usize).collect()
}

/// Where the elements of `shape` lie in a tensor of shape `from`, which is broadcast to it.
pub(super) fn broadcast(from: &[usize], shape: &[usize]) -> Vec<usize> {
    let own = strides(from);
    let missing = shape.len() - from.len();
    let stride = |axis: usize| {
        axis.checked_sub(missing).map_or(0, |at| if from[at] == 1 { 0 } else { own[at] as isize })
    };
    strided(shape, &(0..shape.len()).map(stride).collect::<Vec<_>>(), 0)
}

/// A shape as what is before an axis, the axis, and what is behind it.
pub(super) fn around(shape: &[usize], axis: usize) -> [usize; 3] {
    [shape[..axis].iter().product(), shape[axis], shape[axis + 1..].iter().product()]
}

/// For each index of `places` along the axis, the elements there, of a tensor taken apart by [`around`].
pub(super) fn along(around: [usize; 3], places: &[usize]) -> Vec<usize> {
    let [outer, extent, inner] = around;
    (0..outer)
        .flat_map(|before| {
            places.iter().flat_map(move |&place| {
                let start = (before * extent + place) * inner;
                start..start + inner
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes() {
        assert_eq!(strides(&[2, 3, 4]), [12, 4, 1]);
        assert_eq!(strided(&[2, 2], &[3, -1], 2), [2, 1, 5, 4]);
        assert_eq!(strided(&[], &[], 0), [0]);
        assert!(strided(&[3, 0], &[1, 1], 0).is_empty());
        assert_eq!(broadcast(&[2, 1], &[2, 2, 3]), [0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1]);
        assert_eq!(along(around(&[2, 3], 1), &[2, 0]), [2, 0, 5, 3]);
    }
}

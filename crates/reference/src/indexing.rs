//! Index arithmetic that the families share.

use tilewright_ops::ShapeError;

/// The value of a shape rule, which the caller has asked before.
#[track_caller]
pub(crate) fn valid<T>(rule: Result<T, ShapeError>) -> T {
    match rule {
        Ok(value) => value,
        Err(error) => panic!("{error}"),
    }
}

/// Panics unless the slice has as many elements as its shape.
#[track_caller]
pub(crate) fn check_len<T>(operand: &str, slice: &[T], shape: &[usize]) {
    let count: usize = shape.iter().product();
    assert_eq!(slice.len(), count, "{operand}: the slice must have the elements of shape {shape:?}");
}

/// Rounds sums once.
pub(crate) fn round(sums: &[f64]) -> Vec<f32> {
    sums.iter().map(|&sum| sum as f32).collect()
}

/// Elements to step over for one step along each axis of a row-major tensor.
pub(crate) fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    strides
}

/// `offset + Σ index[axis] · strides[axis]` for every index of `shape`, in row-major order. Every movement and every
/// broadcast is a choice of strides.
pub(crate) fn strided_indices(shape: &[usize], strides: &[usize], offset: usize) -> Vec<usize> {
    let mut flat = vec![offset];
    for (&extent, &stride) in shape.iter().zip(strides) {
        flat = flat.iter().flat_map(|&base| (0..extent).map(move |index| base + index * stride)).collect();
    }
    flat
}

/// For each element of a tensor of shape `output`, the element of an operand of shape `operand` that is broadcast to it.
pub(crate) fn broadcast_indices(operand: &[usize], output: &[usize]) -> Vec<usize> {
    let mut repeated = vec![0; output.len() - operand.len()];
    repeated.extend(
        strides(operand).iter().zip(operand).map(|(&stride, &extent)| if extent == 1 { 0 } else { stride }),
    );
    strided_indices(output, &repeated, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices() {
        assert_eq!(strides(&[2, 3, 4]), [12, 4, 1]);
        assert_eq!(strided_indices(&[2, 3], &[1, 2], 5), [5, 7, 9, 6, 8, 10]);
        assert_eq!(strided_indices(&[], &[], 0), [0]);
        assert!(strided_indices(&[2, 0], &[0, 1], 0).is_empty());
        assert_eq!(broadcast_indices(&[2, 1], &[2, 3]), [0, 0, 0, 1, 1, 1]);
        assert_eq!(broadcast_indices(&[3], &[2, 3]), [0, 1, 2, 0, 1, 2]);
        assert_eq!(broadcast_indices(&[], &[2]), [0, 0]);
    }
}

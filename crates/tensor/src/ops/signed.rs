//! Shapes as signed numbers.

/// A shape as [`crate::Tensor::reshape`] takes it.
pub(super) fn signed(shape: &[usize]) -> Vec<isize> {
    shape.iter().map(|&extent| extent as isize).collect()
}

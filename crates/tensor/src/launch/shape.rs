//! Shapes of four axes.

/// A shape of four axes, as the operation's shape rule gave it.
pub(super) fn four(shape: &[usize]) -> [usize; 4] {
    let mut four = [0; 4];
    four.copy_from_slice(shape);
    four
}

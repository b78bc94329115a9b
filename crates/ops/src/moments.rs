//! Mean and variance over axes.

use crate::{error::ShapeError, extent::element_count, reduction::reduced_axes};

/// Mean and biased variance over `axes` (none means all), which stay with extent 1: `torch.var_mean` with `correction=0`.
///
/// The mean is two numbers, since f32 has not the digits to say where a small spread lies around a large mean: `mean`, the
/// nearest one, and `rest`, what it is short of the mean. `(x − mean) − rest` has then all the digits that x itself has.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Moments {
    /// Which axes; none are all.
    pub axes: Vec<usize>,
}

const OP: &str = "moments";

impl Moments {
    /// The shape of each result: x's, with extent 1 along the axes.
    ///
    /// # Errors
    /// [`ShapeError::Axis`], [`ShapeError::RepeatedAxis`].
    pub fn output_shape(&self, x: &[usize]) -> Result<Vec<usize>, ShapeError> {
        let reduced = self.reduced(x)?;
        element_count(OP, x)?;
        Ok(x.iter().zip(reduced).map(|(&extent, gone)| if gone { 1 } else { extent }).collect())
    }

    /// For each axis whether it is reduced.
    ///
    /// # Errors
    /// Those of [`Self::output_shape`].
    pub fn reduced(&self, x: &[usize]) -> Result<Vec<bool>, ShapeError> {
        reduced_axes(OP, x, &self.axes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reduced_axes_stay() {
        let over = |axes: &[usize]| Moments { axes: axes.to_vec() };
        assert_eq!(over(&[0, 2]).output_shape(&[2, 3, 4]), Ok(vec![1, 3, 1]));
        assert_eq!(over(&[]).output_shape(&[2, 3]), Ok(vec![1, 1]));
        assert_eq!(over(&[]).output_shape(&[]), Ok(vec![]));
        assert!(matches!(over(&[2]).output_shape(&[2, 3]), Err(ShapeError::Axis { op: "moments", .. })));
        assert!(matches!(over(&[1, 1]).output_shape(&[2, 3]), Err(ShapeError::RepeatedAxis { .. })));
    }
}

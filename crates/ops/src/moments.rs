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

/// Fails unless the operands after x have one shape, of x's rank, with extent 1 or x's along each axis.
pub(crate) fn check_statistics(shapes: &[&[usize]]) -> Result<(), ShapeError> {
    let (op, [x, mean, rest, inv_std]) = ("standardize", [0, 1, 2, 3].map(|at: usize| shapes[at]));
    element_count(op, x)?;
    let fits = mean.len() == x.len() && mean.iter().zip(x).all(|(&own, &extent)| own == 1 || own == extent);
    let wrong = |operand, shape: &[usize], expected: &[usize]| {
        let (shape, expected) = (shape.to_vec(), expected.to_vec());
        Err(ShapeError::Operand { op, operand, shape, expected })
    };
    match () {
        () if !fits => wrong("mean", mean, x),
        () if rest != mean => wrong("rest", rest, mean),
        () if inv_std != mean => wrong("inv_std", inv_std, mean),
        () => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_have_one_shape() {
        let check = |mean: &[usize], rest: &[usize]| check_statistics(&[&[2, 3, 4], mean, rest, mean]);
        assert_eq!(check(&[2, 1, 1], &[2, 1, 1]), Ok(()));
        assert_eq!(check(&[1, 3, 1], &[1, 3, 1]), Ok(()));
        assert!(matches!(check(&[3, 1], &[3, 1]), Err(ShapeError::Operand { operand: "mean", .. })));
        assert!(matches!(check(&[2, 2, 1], &[2, 2, 1]), Err(ShapeError::Operand { operand: "mean", .. })));
        assert!(matches!(check(&[2, 1, 1], &[1, 1, 1]), Err(ShapeError::Operand { operand: "rest", .. })));
    }

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

//! Determinants.

use tilewright_ops::{BinaryOp, ReduceOp, ShapeError, SliceRange, UnaryOp};

use crate::error::Result;
use crate::tensor::Tensor;

const OP: &str = "det";

/// The most rows: each costs some ten kernels.
const MOST: usize = 64;

impl Tensor {
    /// The determinant of each matrix of the last two axes: `torch.linalg.det`, by elimination with the largest element of a
    /// column as pivot. It is made of some ten operations for each row.
    ///
    /// # Errors
    /// [`ShapeError::Rank`] for a matrix that is not square; [`ShapeError::Parameter`] for one of more than 64 rows.
    pub fn det(&self) -> Result<Self> {
        let shape = self.shape().to_vec();
        let (Some(&[rows, columns]), rank) = (shape.last_chunk::<2>(), shape.len()) else {
            return Err(ShapeError::Rank { op: OP, operand: "x", shape, expected: "at least two" }.into());
        };
        if rows != columns || rows > MOST {
            let hint = "the last two axes must be equal, and at most 64";
            let value = format!("{shape:?}");
            return Err(ShapeError::Parameter { op: OP, parameter: "shape", value, hint }.into());
        }
        let outer = &shape[..rank - 2];
        let result: Vec<isize> = outer.iter().map(|&extent| extent as isize).collect();
        if rows == 0 || outer.contains(&0) {
            return Self::ones(self.context(), outer);
        }
        let batch: usize = outer.iter().product();
        let mut a = self.reshape(&[batch as isize, rows as isize, rows as isize])?;
        let mut det: Option<Self> = None;
        for left in (1..=rows).rev() {
            let part = |tensor: &Self, rows: [usize; 2], columns: [usize; 2]| {
                let [rows, columns] = [rows, columns].map(|[start, end]| SliceRange::new(start, end));
                tensor.slice(&[SliceRange::full(batch), rows, columns])
            };
            if left == 1 {
                det = Some(match det {
                    Some(det) => det.mul(&a)?,
                    None => a.clone(),
                });
                break;
            }
            // The row of the largest element of the first column goes on top; that turns the sign.
            let column = part(&a, [0, left], [0, 1])?;
            let size = column.unary(UnaryOp::Abs)?.reshape(&[batch as isize, left as isize])?;
            let chosen = size.hardmax(1)?.reshape(&[batch as isize, left as isize, 1])?;
            let zero = Self::from_slice(self.context(), &[0.0_f32], &[])?;
            let pivot_row = a.where_on(&chosen, &zero)?.reduce(ReduceOp::Sum, &[1], true)?;
            let first = part(&a, [0, 1], [0, left])?;
            let swapped = first.where_on(&chosen, &a)?;
            let pivot = part(&pivot_row, [0, 1], [0, 1])?;
            let on_top = part(&chosen, [0, 1], [0, 1])?;
            let signed = pivot.where_on(&on_top, &pivot.scale(-1.0)?)?;
            det = Some(match det {
                Some(det) => det.mul(&signed)?,
                None => signed,
            });
            // A pivot of 0 makes the determinant 0, whatever is divided by.
            let one = Self::from_slice(self.context(), &[1.0_f32], &[])?;
            let divisor = one.where_on(&pivot.binary(BinaryOp::Equal, &zero)?, &pivot)?;
            let factors = part(&swapped, [1, left], [0, 1])?.div(&divisor)?;
            let below = part(&swapped, [1, left], [1, left])?;
            a = below.sub(&factors.mul(&part(&pivot_row, [0, 1], [1, left])?)?)?;
        }
        det.unwrap_or(a).reshape(&result)
    }
}

//! Matrix product.

use crate::convolution::product;
use crate::elementwise::broadcast;
use crate::{dtype::DType, error::ShapeError, extent::element_count};

/// A batched matrix product: left … M K, right … K N, output … M N. The leading axes broadcast by NumPy's rule. A flag
/// reads the last two axes of an operand swapped, without a copy.
///
/// A linear layer, y = x Wᵀ with W stored (out, in), is `MatMul { transpose_right: true, .. }`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct MatMul {
    /// The left operand is stored … K M.
    pub transpose_left: bool,
    /// The right operand is stored … N K.
    pub transpose_right: bool,
}

/// The extents of a product.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MatMulDims {
    /// The leading axes of the output.
    pub batch: Vec<usize>,
    /// Rows of the output.
    pub m: usize,
    /// Columns of the output.
    pub n: usize,
    /// Extent that is summed over.
    pub k: usize,
}

impl MatMul {
    const OP: &'static str = "matmul";

    /// Splits two shapes into batch axes and M, N, K. Any extent may be zero; a sum over K = 0 is 0.
    ///
    /// # Errors
    /// [`ShapeError::Rank`] below two axes, [`ShapeError::Inner`], [`ShapeError::Broadcast`] for batch axes.
    pub fn dims(&self, left: &[usize], right: &[usize]) -> Result<MatMulDims, ShapeError> {
        let op = Self::OP;
        let split = |operand: &'static str, shape: &[usize], transpose: bool| match *shape {
            [ref batch @ .., rows, columns] if !transpose => Ok((batch.to_vec(), rows, columns)),
            [ref batch @ .., rows, columns] => Ok((batch.to_vec(), columns, rows)),
            _ => Err(ShapeError::Rank { op, operand, shape: shape.to_vec(), expected: "two or more" }),
        };
        let (left_batch, m, inner_left) = split("left", left, self.transpose_left)?;
        let (right_batch, inner_right, n) = split("right", right, self.transpose_right)?;
        if inner_left != inner_right {
            return Err(ShapeError::Inner {
                op,
                left: left.to_vec(),
                right: right.to_vec(),
                transpose_left: self.transpose_left,
                transpose_right: self.transpose_right,
                inner_left,
                inner_right,
            });
        }
        let batch = broadcast(op, &left_batch, &right_batch).map_err(|_| ShapeError::Broadcast {
            op,
            left: left.to_vec(),
            right: right.to_vec(),
        })?;
        Ok(MatMulDims { batch, m, n, k: inner_left })
    }

    /// The shape … M N of the product.
    ///
    /// # Errors
    /// Those of [`MatMul::dims`] and [`ShapeError::TooManyElements`].
    pub fn output_shape(&self, left: &[usize], right: &[usize]) -> Result<Vec<usize>, ShapeError> {
        let MatMulDims { mut batch, m, n, .. } = self.dims(left, right)?;
        batch.extend([m, n]);
        element_count(Self::OP, &batch)?;
        Ok(batch)
    }

    /// Floating-point operations: 2 · batch · M · N · K.
    ///
    /// # Errors
    /// Those of [`MatMul::dims`].
    pub fn flops(&self, left: &[usize], right: &[usize]) -> Result<u64, ShapeError> {
        let MatMulDims { batch, m, n, k } = self.dims(left, right)?;
        Ok(2 * product(&batch) * product(&[m, n, k]))
    }

    /// Bytes that must cross the memory bus at least: operands read once, output written once.
    ///
    /// # Errors
    /// Those of [`MatMul::output_shape`].
    pub fn bytes(&self, left: &[usize], right: &[usize], dtype: DType) -> Result<u64, ShapeError> {
        let output = self.output_shape(left, right)?;
        Ok((product(left) + product(right) + product(&output)) * dtype.size() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_shapes() {
        let plain = MatMul::default();
        let transposed = |transpose_left, transpose_right| MatMul { transpose_left, transpose_right };
        let cases = [
            (plain, [&[2, 3][..], &[3, 4], &[2, 4]]),
            (transposed(true, false), [&[3, 2], &[3, 4], &[2, 4]]),
            (transposed(false, true), [&[2, 3], &[4, 3], &[2, 4]]),
            (transposed(true, true), [&[3, 2], &[4, 3], &[2, 4]]),
            (plain, [&[5, 2, 3], &[3, 4], &[5, 2, 4]]),
            (plain, [&[5, 1, 2, 3], &[6, 3, 4], &[5, 6, 2, 4]]),
            (plain, [&[2, 0], &[0, 4], &[2, 4]]),
            (plain, [&[0, 3], &[3, 4], &[0, 4]]),
        ];
        for (op, [left, right, expected]) in cases {
            assert_eq!(op.output_shape(left, right).as_deref(), Ok(expected), "{op:?} {left:?} {right:?}");
        }
        assert_eq!(plain.flops(&[5, 2, 3], &[3, 4]), Ok(2 * 5 * 2 * 3 * 4));
        assert_eq!(plain.bytes(&[2, 3], &[3, 4], DType::F32), Ok(4 * (6 + 12 + 8)));
    }

    #[test]
    fn what_does_not_fit_is_a_typed_error() {
        let plain = MatMul::default();
        assert!(matches!(plain.output_shape(&[3], &[3, 4]), Err(ShapeError::Rank { operand: "left", .. })));
        assert!(matches!(plain.output_shape(&[2, 3], &[]), Err(ShapeError::Rank { operand: "right", .. })));
        assert!(matches!(plain.output_shape(&[2, 3], &[4, 3]), Err(ShapeError::Inner { .. })));
        match plain.output_shape(&[5, 2, 3], &[6, 3, 4]) {
            // The whole shapes, not only their batch axes: that is what the caller can recognise.
            Err(ShapeError::Broadcast { left, .. }) => assert_eq!(left, [5, 2, 3]),
            other => panic!("{other:?}"),
        }
    }
}

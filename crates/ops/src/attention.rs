//! Scaled dot-product attention.

use crate::{error::ShapeError, extent::element_count};

/// Attention of N H L E queries over N H S E keys with N H S V values (Vaswani et al., arXiv 1706.03762):
/// `softmax(scale · query · keyᵀ + mask) · value`, N H L V, with the logarithms of the softmax's sums, N H L. A query that sees
/// no key, for all its scores are −∞, gives zeros, and 0 as its logarithm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Attention {
    /// What the products are multiplied by; PyTorch's default is 1 / √E.
    pub scale: f32,
    /// Whether query i sees the keys up to the i-th alone.
    pub causal: bool,
}

const OP: &str = "attention";

impl Attention {
    /// The shapes of the result and of the logarithms. A mask's axes are those of the scores N H L S, and all but the last may
    /// be 1.
    ///
    /// # Errors
    /// [`ShapeError::Rank`] unless all have four axes, [`ShapeError::Operand`] for one that does not fit the others,
    /// [`ShapeError::EmptyReduction`] without keys.
    pub fn output_shapes(
        &self,
        query: &[usize],
        key: &[usize],
        value: &[usize],
        mask: Option<&[usize]>,
    ) -> Result<Vec<Vec<usize>>, ShapeError> {
        let &[n, h, queries, head] = query else { return Err(rank("query", query)) };
        let &[_, _, keys, _] = key else { return Err(rank("key", key)) };
        let &[_, _, _, width] = value else { return Err(rank("value", value)) };
        expect("key", key, &[n, h, keys, head])?;
        expect("value", value, &[n, h, keys, width])?;
        if keys == 0 && n * h * queries > 0 {
            return Err(ShapeError::EmptyReduction { op: OP, shape: key.to_vec(), axes: vec![2] });
        }
        if let Some(mask) = mask {
            let &[mask_n, mask_h, mask_queries, _] = mask else { return Err(rank("mask", mask)) };
            let own = |own: usize, whole: usize| if own == 1 { 1 } else { whole };
            expect("mask", mask, &[own(mask_n, n), own(mask_h, h), own(mask_queries, queries), keys])?;
        }
        element_count(OP, key)?;
        element_count(OP, value)?;
        let (y, log_sum) = (vec![n, h, queries, width], vec![n, h, queries]);
        element_count(OP, &y)?;
        element_count(OP, &log_sum)?;
        Ok(vec![y, log_sum])
    }

    /// Floating-point operations of both products: half of them where a query sees half of the keys.
    #[must_use]
    pub fn flops(&self, query: &[usize], value: &[usize]) -> u64 {
        let (&[n, h, queries, head], &[_, _, keys, width]) = (query, value) else { return 0 };
        let numbers =
            [n, h, queries, keys].iter().fold(2_u64, |all, &extent| all.saturating_mul(extent as u64));
        let all = numbers.saturating_mul((head + width) as u64);
        if self.causal { all / 2 } else { all }
    }
}

fn rank(operand: &'static str, shape: &[usize]) -> ShapeError {
    ShapeError::Rank {
        op: OP,
        operand,
        shape: shape.to_vec(),
        expected: "four (batch, heads, places, numbers)",
    }
}

fn expect(operand: &'static str, shape: &[usize], expected: &[usize]) -> Result<(), ShapeError> {
    if shape == expected {
        return Ok(());
    }
    Err(ShapeError::Operand { op: OP, operand, shape: shape.to_vec(), expected: expected.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() {
        let op = Attention { scale: 1.0, causal: false };
        let (q, k, v) = ([2, 3, 5, 8], [2, 3, 7, 8], [2, 3, 7, 4]);
        let expected = vec![vec![2, 3, 5, 4], vec![2, 3, 5]];
        assert_eq!(op.output_shapes(&q, &k, &v, None), Ok(expected.clone()));
        for mask in [[2, 3, 5, 7], [1, 3, 1, 7], [1, 1, 5, 7]] {
            assert_eq!(op.output_shapes(&q, &k, &v, Some(&mask)), Ok(expected.clone()), "{mask:?}");
        }
        assert!(matches!(op.output_shapes(&q[1..], &k, &v, None), Err(ShapeError::Rank { .. })));
        assert!(matches!(op.output_shapes(&q, &v, &v, None), Err(ShapeError::Operand { .. })));
        assert!(matches!(op.output_shapes(&q, &k, &q, None), Err(ShapeError::Operand { .. })));
        let narrow = op.output_shapes(&q, &k, &v, Some(&[1, 1, 1, 1]));
        assert!(matches!(narrow, Err(ShapeError::Operand { operand: "mask", .. })));
        let none = op.output_shapes(&q, &[2, 3, 0, 8], &[2, 3, 0, 4], None);
        assert!(matches!(none, Err(ShapeError::EmptyReduction { .. })));
        assert_eq!(op.flops(&q, &v), 2 * 6 * 5 * 7 * 12);
    }
}

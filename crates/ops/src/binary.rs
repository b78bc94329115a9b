//! Elementwise operations with two operands, and the rule by which shapes broadcast.

use crate::{dtype::DType, error::ShapeError, extent::element_count};

/// A function of two elements, with NumPy broadcasting (see [`broadcast_shapes`]).
///
/// Of i32 (see [`Self::takes`]) what leaves the 32 bits wraps, as in PyTorch and in C's unsigned arithmetic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// a + b.
    Add,
    /// a - b.
    Sub,
    /// a · b.
    Mul,
    /// a / b. Of integers cut towards zero, as in C and ONNX; a division by zero gives 0, as in NumPy.
    Div,
    /// The larger, NaN if one is that. Equal elements share the gradient half and half; beside a NaN both get all of it.
    Maximum,
    /// The smaller, NaN if one is that. Equal elements share the gradient half and half; beside a NaN both get all of it.
    Minimum,
    /// aᵇ as C's `pow`: NaN where a is finite and below 0 and b no integer; 1 where b is 0 or a is 1, be the other NaN. Of
    /// integers with b < 0: 1 for 1, ±1 for −1, else 0, as in PyTorch.
    Pow,
    /// a where a > 0, else b · a: b is the slope (He et al., arXiv 1502.01852).
    Prelu,
    /// 1 where a = b, else 0, in f32 whatever is compared. Comparisons have no gradient but 0.
    Equal,
    /// 1 where a < b, else 0.
    Less,
    /// 1 where a ≤ b, else 0.
    LessOrEqual,
    /// 1 where a > b, else 0.
    Greater,
    /// 1 where a ≥ b, else 0.
    GreaterOrEqual,
    /// a − b · ⌊a / b⌋, exact: the rest has the sign of b. `torch.remainder`, ONNX's Mod. By zero it is NaN, of integers 0.
    Remainder,
    /// a − b · trunc(a / b), exact: the rest has the sign of a. `torch.fmod`, C's fmod, ONNX's Mod with `fmod`. By zero as
    /// [`Self::Remainder`].
    Fmod,
    /// The bits that both have; of i32 alone, as the next four.
    BitwiseAnd,
    /// The bits that either has.
    BitwiseOr,
    /// The bits that one of the two has.
    BitwiseXor,
    /// a · 2ᵇ; 0 where b is not in 0..32.
    ShiftLeft,
    /// ⌊a / 2ᵇ⌋; where b is not in 0..32, −1 for a negative a and else 0.
    ShiftRight,
}

impl BinaryOp {
    /// One of each that takes floats.
    pub const ALL: [Self; 15] = [
        Self::Add,
        Self::Sub,
        Self::Mul,
        Self::Div,
        Self::Maximum,
        Self::Minimum,
        Self::Pow,
        Self::Prelu,
        Self::Equal,
        Self::Less,
        Self::LessOrEqual,
        Self::Greater,
        Self::GreaterOrEqual,
        Self::Remainder,
        Self::Fmod,
    ];

    /// One of each that takes integers.
    pub const OF_INTEGERS: [Self; 19] = [
        Self::Add,
        Self::Sub,
        Self::Mul,
        Self::Div,
        Self::Maximum,
        Self::Minimum,
        Self::Pow,
        Self::Equal,
        Self::Less,
        Self::LessOrEqual,
        Self::Greater,
        Self::GreaterOrEqual,
        Self::Remainder,
        Self::Fmod,
        Self::BitwiseAnd,
        Self::BitwiseOr,
        Self::BitwiseXor,
        Self::ShiftLeft,
        Self::ShiftRight,
    ];

    /// Whether it is defined on two operands of `dtype`: of f32, of i32, of both.
    #[must_use]
    pub fn takes(self, dtype: DType) -> bool {
        match dtype {
            DType::F32 => Self::ALL.contains(&self),
            DType::I32 => Self::OF_INTEGERS.contains(&self),
            DType::F16 | DType::U32 | DType::I8 | DType::U8 => false,
        }
    }

    /// Whether the result is 1 or 0, and the gradient 0.
    #[must_use]
    pub const fn is_comparison(self) -> bool {
        matches!(self, Self::Equal | Self::Less | Self::LessOrEqual | Self::Greater | Self::GreaterOrEqual)
    }

    /// The stem used in file names, slots and tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Sub => "sub",
            Self::Mul => "mul",
            Self::Div => "div",
            Self::Maximum => "maximum",
            Self::Minimum => "minimum",
            Self::Pow => "pow",
            Self::Prelu => "prelu",
            Self::Equal => "equal",
            Self::Less => "less",
            Self::LessOrEqual => "less_or_equal",
            Self::Greater => "greater",
            Self::GreaterOrEqual => "greater_or_equal",
            Self::Remainder => "remainder",
            Self::Fmod => "fmod",
            Self::BitwiseAnd => "bitwise_and",
            Self::BitwiseOr => "bitwise_or",
            Self::BitwiseXor => "bitwise_xor",
            Self::ShiftLeft => "bitwise_left_shift",
            Self::ShiftRight => "bitwise_right_shift",
        }
    }

    /// The shape of the result.
    ///
    /// # Errors
    /// [`ShapeError::Broadcast`] under this operation's name.
    pub fn output_shape(self, left: &[usize], right: &[usize]) -> Result<Vec<usize>, ShapeError> {
        broadcast(self.name(), left, right)
    }
}

/// NumPy's rule: shapes are aligned at their last axes, a missing axis counts as 1, and extents must be equal or 1.
/// An extent of 1 against 0 gives 0.
///
/// # Errors
/// [`ShapeError::Broadcast`].
pub fn broadcast_shapes(left: &[usize], right: &[usize]) -> Result<Vec<usize>, ShapeError> {
    broadcast("broadcast", left, right)
}

pub(crate) fn broadcast(op: &'static str, left: &[usize], right: &[usize]) -> Result<Vec<usize>, ShapeError> {
    let rank = left.len().max(right.len());
    // The extent of `shape` on the axis `axis` of the joint shape.
    let extent =
        |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(rank).map_or(1, |own| shape[own]);
    let joined: Vec<usize> = (0..rank)
        .map(|axis| match (extent(left, axis), extent(right, axis)) {
            (a, b) if a == b => Ok(a),
            (1, b) => Ok(b),
            (a, 1) => Ok(a),
            _ => Err(ShapeError::Broadcast { op, left: left.to_vec(), right: right.to_vec() }),
        })
        .collect::<Result<_, _>>()?;
    element_count(op, &joined)?;
    Ok(joined)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broadcasting_follows_numpy() {
        let ok: [(&[usize], &[usize], &[usize]); 8] = [
            (&[], &[], &[]),
            (&[], &[3], &[3]),
            (&[2, 3], &[3], &[2, 3]),
            (&[2, 1, 4], &[3, 1], &[2, 3, 4]),
            (&[8, 16, 1, 1], &[16, 5, 7], &[8, 16, 5, 7]),
            (&[0, 3], &[1, 3], &[0, 3]),
            (&[1], &[0], &[0]),
            (&[1, 1], &[1], &[1, 1]),
        ];
        for (left, right, expected) in ok {
            assert_eq!(broadcast_shapes(left, right).as_deref(), Ok(expected), "{left:?} {right:?}");
            assert_eq!(broadcast_shapes(right, left).as_deref(), Ok(expected), "{right:?} {left:?}");
        }
        for (left, right) in [(&[2, 3][..], &[2][..]), (&[0], &[2]), (&[4, 3], &[5, 3])] {
            assert!(
                matches!(broadcast_shapes(left, right), Err(ShapeError::Broadcast { .. })),
                "{left:?} {right:?}"
            );
        }
    }

    #[test]
    fn the_error_names_op_and_shapes() {
        let message = BinaryOp::Mul.output_shape(&[2, 3], &[4]).expect_err("mismatch").to_string();
        for part in ["mul", "[2, 3]", "[4]", "reshape"] {
            assert!(message.contains(part), "{message}");
        }
    }
}

//! The fragments of integers: what is computed on i32 in words of f32.

use tilewright_ops::{BinaryOp, DType, ReduceOp, UnaryOp};

/// The fragment of the slot `binary` for operands of `dtype`, f32 or i32.
pub(super) fn binary(op: BinaryOp, dtype: DType) -> &'static str {
    if dtype != DType::I32 {
        return op.name();
    }
    match op {
        BinaryOp::Add => "add_i32",
        BinaryOp::Sub => "sub_i32",
        BinaryOp::Mul => "mul_i32",
        BinaryOp::Div => "div_i32",
        BinaryOp::Maximum => "maximum_i32",
        BinaryOp::Minimum => "minimum_i32",
        BinaryOp::Pow => "pow_i32",
        BinaryOp::Equal => "equal_i32",
        BinaryOp::Less => "less_i32",
        BinaryOp::LessOrEqual => "less_or_equal_i32",
        BinaryOp::Greater => "greater_i32",
        BinaryOp::GreaterOrEqual => "greater_or_equal_i32",
        BinaryOp::Remainder => "remainder_i32",
        BinaryOp::Fmod => "fmod_i32",
        // Of integers alone, or (prelu) of none: the facts refuse it.
        BinaryOp::BitwiseAnd
        | BinaryOp::BitwiseOr
        | BinaryOp::BitwiseXor
        | BinaryOp::ShiftLeft
        | BinaryOp::ShiftRight
        | BinaryOp::Prelu => op.name(),
    }
}

/// The fragment of the slot `unary`.
pub(super) fn unary(op: UnaryOp, dtype: DType) -> &'static str {
    match op {
        UnaryOp::Neg if dtype == DType::I32 => "neg_i32",
        UnaryOp::Abs if dtype == DType::I32 => "abs_i32",
        UnaryOp::Sign if dtype == DType::I32 => "sign_i32",
        UnaryOp::Relu if dtype == DType::I32 => "relu_i32",
        op => op.name(),
    }
}

/// The fragment of the slot `reduce`.
pub(crate) fn reduce(op: ReduceOp, dtype: DType) -> &'static str {
    match op {
        ReduceOp::Sum if dtype == DType::I32 => "sum_i32",
        ReduceOp::Max if dtype == DType::I32 => "max_i32",
        ReduceOp::Min if dtype == DType::I32 => "min_i32",
        ReduceOp::Prod if dtype == DType::I32 => "prod_i32",
        // A mean is a sum whose result is scaled.
        ReduceOp::Mean => ReduceOp::Sum.name(),
        op => op.name(),
    }
}

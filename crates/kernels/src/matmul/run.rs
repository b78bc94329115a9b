//! Products by the algorithm that is chosen.

use tilewright_ops::UnaryOp;
use tilewright_runtime::{Context, Result};

use super::{
    choose::matmul_for,
    problem::{Operands, Problem},
    registry::matmul_as,
};

/// y = activation(left · right + bias + residual) by the algorithm that [`matmul_for`] picks.
pub fn matmul(
    context: &Context,
    problem: &Problem,
    operands: &Operands<'_>,
    activation: Option<UnaryOp>,
) -> Result<()> {
    let choice = matmul_for(context, problem);
    matmul_as(context, choice.algorithm, problem, operands, activation)
}

//! Running an operation that is given as a value.

use tilewright_ops::{Op, ShapeError, UnaryOp};

use crate::{Epilogue, Result, Tensor};

impl Tensor {
    /// As [`Self::apply`]; a convolution may put its result where its residual lies, which nobody may read again.
    ///
    /// # Errors
    /// As [`Self::apply`].
    pub fn apply_over_residual(op: &Op, inputs: &[&Self]) -> Result<Self> {
        match (op, inputs) {
            (Op::Conv2d { op: conv, bias, residual: true, activation, pool: None }, [x, rest @ ..])
                if op.operands() == Some(inputs.len()) =>
            {
                x.conv2d_over_residual(rest[0], conv, &epilogue(rest, *bias, true, *activation), None)
            }
            _ => Self::apply(op, inputs),
        }
    }

    /// `op` of `inputs`, in the order that [`Op`] lists.
    ///
    /// # Errors
    /// Those of the operation; [`ShapeError::OperandCount`].
    pub fn apply(op: &Op, inputs: &[&Self]) -> Result<Self> {
        let fits = op.operands().map_or(!inputs.is_empty(), |count| count == inputs.len());
        let Some((&x, rest)) = inputs.split_first().filter(|_| fits) else {
            return Err(ShapeError::OperandCount { op: op.name(), found: inputs.len() }.into());
        };
        match op {
            Op::Unary(unary) => x.unary(*unary),
            Op::Binary { op, activation } => x.binary_fused(*op, rest[0], *activation),
            Op::MatMul { op, bias, residual, activation } => {
                x.matmul_fused(rest[0], op, &epilogue(rest, *bias, *residual, *activation), None)
            }
            Op::Conv2d { op, bias, residual, activation, pool } => {
                let epilogue = epilogue(rest, *bias, *residual, *activation);
                match pool {
                    Some(pooling) => x.conv2d_pooled(rest[0], op, &epilogue, pooling, None),
                    None => x.conv2d_fused(rest[0], op, &epilogue, None),
                }
            }
            Op::BatchNorm { op, activation } => {
                x.batch_norm_eval_fused(rest[0], rest[1], rest[2], rest[3], op, *activation)
            }
            Op::MaxPool2d(pool) => x.max_pool2d_values(pool),
            Op::AvgPool2d(pool) => x.avg_pool2d(pool),
            Op::SumPool2d(pool) => x.sum_pool2d(pool),
            Op::AdaptiveAvgPool2d(pool) => x.adaptive_avg_pool2d(*pool),
            Op::Reduce { op, axes, keepdim } => x.reduce(*op, axes, *keepdim),
            Op::Argmax { axes, keepdim } => x.argmax(axes, *keepdim),
            Op::Softmax(softmax) => x.softmax(softmax.axis),
            Op::LogSoftmax(softmax) => x.log_softmax(softmax.axis),
            Op::Reshape(shape) => x.reshape(&shape.iter().map(|&extent| extent as isize).collect::<Vec<_>>()),
            Op::Permute(axes) => x.permute(axes),
            Op::Slice(ranges) => x.slice(ranges),
            Op::Concat { axis } => Self::concat(inputs, *axis),
            Op::Pad { padding, value } => x.pad(padding, *value),
            Op::Expand(shape) => x.expand(shape),
            Op::Cast(dtype) => x.cast(*dtype),
            Op::ConvTranspose2d(op) => x.conv_transpose2d(rest[0], None, op),
            Op::Where => rest[0].where_on(x, rest[1]),
            Op::Resample { axis } => x.resample(*axis, rest[0], rest[1]),
            Op::Gather { axis } => x.gather(*axis, rest[0]),
        }
    }
}

/// `rest` is the second operand, then bias and residual.
fn epilogue<'a>(
    rest: &[&'a Tensor],
    bias: bool,
    residual: bool,
    activation: Option<UnaryOp>,
) -> Epilogue<'a> {
    let bias = bias.then(|| rest[1]);
    let residual = residual.then(|| rest[rest.len() - 1]);
    Epilogue { bias, residual, activation }
}

//! An operation as a value, of variables.

use tilewright::{
    Var, autograd,
    ops::{Op, PoolKind, Pooling},
};

/// `op` of `x`, in the order that [`Op`] lists its operands; `None` for one that has no gradient.
pub fn run(op: &Op, x: &[Var]) -> Option<autograd::Result<Var>> {
    let (first, rest) = x.split_first()?;
    Some(match op {
        Op::Unary(op) => first.unary(*op),
        Op::Binary { op: binary, .. } => first.binary(*binary, &rest[0]).and_then(|y| behind(op, y, None)),
        Op::MatMul { op: product, bias, residual, .. } => {
            let product = first.matmul_with(&rest[0], *product);
            let product = if *bias { product.and_then(|y| y.add(&rest[1])) } else { product };
            product.and_then(|y| behind(op, y, residual.then(|| &rest[rest.len() - 1])))
        }
        Op::Conv2d { op: conv, bias, residual, .. } => {
            let y = first.conv2d(&rest[0], bias.then(|| &rest[1]), conv);
            y.and_then(|y| behind(op, y, residual.then(|| &rest[rest.len() - 1]))).and_then(|y| {
                match op.pooling() {
                    Some(pooling) => pool(&pooling, &y),
                    None => Ok(y),
                }
            })
        }
        Op::BatchNorm { op, activation } => first.batch_norm_eval_fused(
            &rest[0],
            &rest[1],
            rest[2].tensor(),
            rest[3].tensor(),
            op,
            *activation,
        ),
        Op::MaxPool2d(_) | Op::AvgPool2d(_) | Op::SumPool2d(_) => pool(&op.pooling()?, first),
        Op::AdaptiveAvgPool2d(pool) => first.adaptive_avg_pool2d(*pool),
        Op::Reduce { op, axes, keepdim } => first.reduce(*op, axes, *keepdim),
        Op::Softmax(softmax) => first.softmax(softmax.axis),
        Op::LogSoftmax(softmax) => first.log_softmax(softmax.axis),
        Op::Reshape(shape) => first.reshape(&shape.iter().map(|&extent| extent as isize).collect::<Vec<_>>()),
        Op::Permute(axes) => first.permute(axes),
        Op::Slice(ranges) => first.slice(ranges),
        Op::Concat { axis } => Var::concat(&x.iter().collect::<Vec<_>>(), *axis),
        Op::Pad { padding, value } => first.pad(padding, *value),
        Op::Expand(shape) => first.expand(shape),
        Op::ConvTranspose2d(op) => first.conv_transpose2d(&rest[0], rest.get(1), op),
        Op::Where => rest[0].where_on(first.tensor(), &rest[1]),
        _ => return None,
    })
}

fn pool(Pooling { kind, pool }: &Pooling, x: &Var) -> autograd::Result<Var> {
    match kind {
        PoolKind::Max => x.max_pool2d(pool),
        PoolKind::Average => x.avg_pool2d(pool),
        PoolKind::Sum => x.sum_pool2d(pool),
    }
}

/// The residual, then the activation.
fn behind(op: &Op, y: Var, residual: Option<&Var>) -> autograd::Result<Var> {
    let y = match residual {
        Some(residual) => y.add(residual)?,
        None => y,
    };
    match op.activation() {
        Some(activation) => y.unary(activation),
        None => Ok(y),
    }
}

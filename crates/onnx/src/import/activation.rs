//! Activations, softmax and its relatives.

use tilewright_ops::{BinaryOp, UnaryOp};
use tilewright_tensor::{DType, Tensor};

use super::node::{Ctx, signed};
use super::registry::Entry;
use super::value::Value;
use crate::Result;
use crate::params::Operands;

pub(super) const OPERATORS: &[Entry] = &[
    ("Relu", 1, unary),
    ("LeakyRelu", 1, unary),
    ("Sigmoid", 1, unary),
    ("Tanh", 1, unary),
    ("Elu", 1, unary),
    ("Selu", 6, unary),
    ("Celu", 12, unary),
    ("HardSigmoid", 1, unary),
    ("HardSwish", 14, unary),
    ("Softplus", 1, unary),
    ("Softsign", 1, unary),
    ("ThresholdedRelu", 1, unary),
    ("Shrink", 9, unary),
    ("Mish", 18, unary),
    ("Gelu", 20, unary),
    ("PRelu", 1, prelu),
    ("Softmax", 1, softmax),
    ("LogSoftmax", 1, softmax),
    ("Hardmax", 1, softmax),
];

fn unary(ctx: &Ctx) -> Result<Vec<Value>> {
    let attributes = &ctx.node.attributes;
    let alpha = |default: f32| attributes.float("alpha", default);
    let op = match ctx.node.op_type.as_str() {
        "Relu" => UnaryOp::Relu,
        "LeakyRelu" => UnaryOp::LeakyRelu { slope: alpha(0.01)? },
        "Sigmoid" => UnaryOp::Sigmoid,
        "Tanh" => UnaryOp::Tanh,
        "Elu" => UnaryOp::Elu { alpha: alpha(1.0)? },
        "Selu" => UnaryOp::Selu { alpha: alpha(1.673_263_2)?, gamma: attributes.float("gamma", 1.050_701)? },
        "Celu" => UnaryOp::Celu { alpha: alpha(1.0)? },
        "HardSigmoid" => UnaryOp::HardSigmoid { slope: alpha(0.2)?, offset: attributes.float("beta", 0.5)? },
        "HardSwish" => UnaryOp::HardSwish,
        "Softplus" => UnaryOp::Softplus,
        "Softsign" => UnaryOp::Softsign,
        "ThresholdedRelu" => UnaryOp::ThresholdedRelu { threshold: alpha(1.0)? },
        "Shrink" => {
            UnaryOp::Shrink { bias: attributes.float("bias", 0.0)?, lambda: attributes.float("lambd", 0.5)? }
        }
        "Mish" => UnaryOp::Mish,
        _ => match attributes.string("approximate")?.unwrap_or("none") {
            "none" => UnaryOp::Gelu,
            "tanh" => UnaryOp::GeluTanh,
            other => return Err(attributes.wrong("approximate", format!("`{other}` is unknown"))),
        },
    };
    ctx.like_first([ctx.float(0)?.unary(op)?])
}

fn prelu(ctx: &Ctx) -> Result<Vec<Value>> {
    let (x, slope) = (ctx.float(0)?, ctx.float(1)?);
    // Before version 7 a vector of slopes was one for each channel.
    let per_channel = ctx.opset < 7 && slope.rank() == 1 && slope.count() != 1;
    let slope = if per_channel {
        let mut shape = vec![1; x.rank().saturating_sub(1)];
        if let Some(first) = shape.first_mut() {
            *first = -1;
        }
        slope.reshape(&shape)?
    } else {
        slope
    };
    ctx.like_first([x.binary(BinaryOp::Prelu, &slope)?])
}

/// Since version 13 along an axis; before, over all elements from an axis on.
fn softmax(ctx: &Ctx) -> Result<Vec<Value>> {
    let x = ctx.float(0)?;
    let default = if ctx.opset < 13 { 1 } else { -1 };
    let given = ctx.node.attributes.int("axis", default)?;
    if ctx.opset >= 13 {
        let axis = ctx.check(crate::params::axis(given, x.rank()))?;
        return ctx.like_first([along(ctx, &x, axis)?]);
    }
    let axis = ctx.check(crate::params::axis(given, x.rank() + 1))?;
    let axis = if given < 0 { axis.saturating_sub(1) } else { axis };
    let product = |part: &[usize]| part.iter().product::<usize>() as isize;
    let rows = x.reshape(&[product(&x.shape()[..axis]), product(&x.shape()[axis..])])?;
    ctx.like_first([along(ctx, &rows, 1)?.reshape(&signed(x.shape()))?])
}

fn along(ctx: &Ctx, x: &Tensor, axis: usize) -> Result<Tensor> {
    Ok(match ctx.node.op_type.as_str() {
        "Softmax" => x.softmax(axis)?,
        "LogSoftmax" => x.log_softmax(axis)?,
        // 1 at the first of the largest elements.
        _ => {
            let best = x.argmax(&[axis], true)?.cast(DType::F32)?;
            let extent = x.shape()[axis];
            if extent >= (1 << 24) {
                return Err(ctx.unsupported(format!("an axis of {extent} elements")));
            }
            let mut shape = vec![1; x.rank()];
            shape[axis] = extent;
            let places: Vec<f32> = (0..extent).map(|at| at as f32).collect();
            ctx.tensor(&places, &shape)?.binary(BinaryOp::Equal, &best)?
        }
    })
}

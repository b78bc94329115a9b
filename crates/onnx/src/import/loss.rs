//! Losses over classes, as sums over a mask of the labels.

use tilewright_ops::{BinaryOp, ReduceOp};
use tilewright_tensor::{DType, Tensor};

use super::node::{Ctx, signed};
use super::value::Value;
use crate::error::Result;

pub(super) fn negative_log_likelihood(ctx: &Ctx) -> Result<Vec<Value>> {
    let scores = ctx.float(0)?;
    ctx.like_first([likelihood(ctx, &scores)?])
}

pub(super) fn cross_entropy(ctx: &Ctx) -> Result<Vec<Value>> {
    let scores = ctx.float(0)?;
    if scores.rank() < 2 {
        return Err(ctx.wrong(format!("scores of shape {:?} have no classes", scores.shape())));
    }
    let scores = scores.log_softmax(1)?;
    ctx.like_first([likelihood(ctx, &scores)?, scores])
}

/// −Σ weight · score of each label over N C …; a label that is no class counts nothing.
fn likelihood(ctx: &Ctx, scores: &Tensor) -> Result<Tensor> {
    let labels = ctx.any(1)?;
    let (&[n, classes, ..], Some(rest)) = (scores.shape(), scores.shape().get(2..)) else {
        return Err(ctx.wrong(format!("scores of shape {:?} have no classes", scores.shape())));
    };
    let places = [&[n], rest].concat();
    // As f32 a label is exact as long as it is a class.
    if labels.shape() != places || labels.dtype() != DType::I32 || classes >= (1 << 24) {
        let reason = format!("labels of shape {:?} for scores of shape {:?}", labels.shape(), scores.shape());
        return Err(ctx.wrong(reason));
    }
    let mut along = vec![1; scores.rank()];
    along[1] = classes;
    let numbers: Vec<f32> = (0..classes).map(|class| class as f32).collect();
    let labels = labels.cast(DType::F32)?.reshape(&signed(&[&[n, 1], rest].concat()))?;
    let chosen = labels.binary(BinaryOp::Equal, &ctx.tensor(&numbers, &along)?)?;
    let ignored = ctx.node.attributes.int_ref("ignore_index")?.and_then(|&index| usize::try_from(index).ok());
    let counted: Vec<f32> = (0..classes).map(|class| f32::from(u8::from(Some(class) != ignored))).collect();
    let mut weights = ctx.tensor(&counted, &along)?;
    if let Some(given) = ctx.optional(2)? {
        weights = weights.mul(&given.reshape(&signed(&along))?)?;
    }
    let weights = chosen.mul(&weights)?;
    // A choice and not a product: the score of another class may be −∞.
    let products = scores.mul(&weights)?.where_on(&chosen, &ctx.scalar(0.0)?)?;
    let losses = products.reduce(ReduceOp::Sum, &[1], false)?.scale(-1.0)?;
    match ctx.node.attributes.string("reduction")?.unwrap_or("mean") {
        "none" => Ok(losses),
        "sum" => Ok(losses.reduce(ReduceOp::Sum, &[], false)?),
        "mean" => {
            let total = weights.reduce(ReduceOp::Sum, &[], false)?;
            Ok(losses.reduce(ReduceOp::Sum, &[], false)?.div(&total)?)
        }
        other => Err(ctx.node.attributes.wrong("reduction", format!("`{other}` is unknown"))),
    }
}

//! Losses over classes.

use tilewright_ops::Reduction;
use tilewright_tensor::Tensor;

use super::node::Ctx;
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

/// −weight · score of each label over N C …; a label that is no class counts for nothing.
fn likelihood(ctx: &Ctx, scores: &Tensor) -> Result<Tensor> {
    let (labels, weights, attributes) = (ctx.any(1)?, ctx.optional(2)?, &ctx.node.attributes);
    let ignored = attributes.int_ref("ignore_index")?.copied();
    let given = attributes.string("reduction")?.unwrap_or("mean");
    let reduction = Reduction::ALL.into_iter().find(|reduction| reduction.name() == given);
    let reduction =
        reduction.ok_or_else(|| attributes.wrong("reduction", format!("`{given}` is unknown")))?;
    Ok(scores.nll_loss(&labels, weights.as_ref(), ignored, reduction)?)
}

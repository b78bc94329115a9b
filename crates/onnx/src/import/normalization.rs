//! Normalisations.

use tilewright_ops::BatchNorm;
use tilewright_tensor::Tensor;
use tilewright_tensor::composite::LocalResponseNorm;

use super::node::{Ctx, device, host};
use super::value::Value;
use crate::element::ElementType;
use crate::error::Result;
use crate::limit::LIMIT;
use crate::params::axis;
use crate::params::operands::Operands;
use crate::tensor::{Data, HostTensor, Numbers};

pub(super) fn batch_norm(ctx: &Ctx) -> Result<Vec<Value>> {
    let attributes = &ctx.node.attributes;
    let eps = attributes.float("epsilon", 1e-5)?;
    if !attributes.flag("spatial", true)? {
        return Err(ctx.unsupported("spatial = 0"));
    }
    let x = ctx.float(0)?;
    let [weight, bias, mean, var] = [ctx.float(1)?, ctx.float(2)?, ctx.float(3)?, ctx.float(4)?];
    let training = attributes.flag("training_mode", false)?
        || (ctx.node.opset < 7 && !attributes.flag("is_test", false)?)
        || (7..14).contains(&ctx.node.opset) && ctx.wants(1);
    if !training {
        let op = BatchNorm { eps, ..BatchNorm::default() };
        return ctx.like_first([x.batch_norm_eval(&weight, &bias, &mean, &var, &op)?]);
    }
    if ctx.node.opset < 14 {
        return Err(ctx.unsupported("training before operator set 14"));
    }
    // ONNX's momentum is the share of the old statistics, and its variance the biased one.
    let momentum = attributes.float("momentum", 0.9)?;
    let normed = x.batch_norm_biased([&weight, &bias, &mean, &var], eps, momentum)?;
    ctx.like_first([normed.y, normed.running_mean, normed.running_var])
}

pub(super) fn instance_norm(ctx: &Ctx) -> Result<Vec<Value>> {
    let (x, scale, bias) = (ctx.float(0)?, ctx.float(1)?, ctx.float(2)?);
    let eps = ctx.node.attributes.float("epsilon", 1e-5)?;
    ctx.like_first([x.instance_norm(Some(&scale), Some(&bias), eps)?])
}

pub(super) fn layer_norm(ctx: &Ctx) -> Result<Vec<Value>> {
    check_stash(ctx)?;
    let attributes = &ctx.node.attributes;
    let (x, scale, bias) = (ctx.float(0)?, ctx.float(1)?, ctx.optional(2)?);
    let first = ctx.check(axis::one(attributes.int("axis", -1)?, x.rank()))?;
    let normed = x.layer_norm(first, Some(&scale), bias.as_ref(), attributes.float("epsilon", 1e-5)?)?;
    let mut results = ctx.like_first([normed.y])?;
    results.extend([device(normed.mean, ElementType::F32), device(normed.inv_std, ElementType::F32)]);
    Ok(results)
}

/// 1, the type in which the statistics are computed, or nothing: they are f32 here.
fn check_stash(ctx: &Ctx) -> Result<()> {
    match ctx.node.attributes.int("stash_type", 1)? {
        1 => Ok(()),
        other => Err(ctx.unsupported(format!("stash_type {other}, statistics of another type than float,"))),
    }
}

pub(super) fn rms_norm(ctx: &Ctx) -> Result<Vec<Value>> {
    check_stash(ctx)?;
    let attributes = &ctx.node.attributes;
    let (x, scale) = (ctx.float(0)?, ctx.float(1)?);
    let first = ctx.check(axis::one(attributes.int("axis", -1)?, x.rank()))?;
    ctx.like_first([x.rms_norm(first, Some(&scale), attributes.float("epsilon", 1e-5)?)?])
}

pub(super) fn group_norm(ctx: &Ctx) -> Result<Vec<Value>> {
    check_stash(ctx)?;
    let attributes = &ctx.node.attributes;
    let x = ctx.float(0)?;
    let groups = usize::try_from(attributes.int("num_groups", 0)?).unwrap_or(0);
    let channels = x.shape().get(1).copied().unwrap_or(0);
    // Until version 21 there was one factor for each group, since then for each channel.
    let each = channels.checked_div(groups).filter(|_| ctx.node.opset < 21);
    let factor = |index: usize| -> Result<Tensor> {
        let given = ctx.float(index)?;
        Ok(match each {
            Some(each) => given.reshape(&[-1, 1])?.expand(&[given.count(), each])?.reshape(&[-1])?,
            None => given,
        })
    };
    let (scale, bias) = (factor(1)?, factor(2)?);
    ctx.like_first([x.group_norm(groups, Some(&scale), Some(&bias), attributes.float("epsilon", 1e-5)?)?])
}

pub(super) fn mean_variance(ctx: &Ctx) -> Result<Vec<Value>> {
    let x = ctx.float(0)?;
    let given = ctx.node.attributes.ints("axes")?.unwrap_or(&[0, 2, 3]);
    ctx.like_first([x.mean_variance_norm(&ctx.check(axis::all(given, x.rank()))?)?])
}

pub(super) fn lp_norm(ctx: &Ctx) -> Result<Vec<Value>> {
    let (x, attributes) = (ctx.float(0)?, &ctx.node.attributes);
    let axis = ctx.check(axis::one(attributes.int("axis", -1)?, x.rank()))?;
    let p = attributes.int("p", 2)?;
    let p = usize::try_from(p).map_err(|_| attributes.wrong("p", format!("is {p} and must be 1 or 2")))?;
    ctx.like_first([x.lp_normalize(p, axis)?])
}

pub(super) fn local_response_norm(ctx: &Ctx) -> Result<Vec<Value>> {
    let (x, attributes) = (ctx.float(0)?, &ctx.node.attributes);
    let op = LocalResponseNorm {
        size: usize::try_from(attributes.int("size", 0)?).unwrap_or(0),
        alpha: attributes.float("alpha", 1e-4)?,
        beta: attributes.float("beta", 0.75)?,
        k: attributes.float("bias", 1.0)?,
    };
    ctx.like_first([x.local_response_norm(&op)?])
}

/// The identity at inference; its mask is then all true.
pub(super) fn dropout(ctx: &Ctx) -> Result<Vec<Value>> {
    // Before version 7 an attribute said so, and training was the default.
    if ctx.node.opset < 7 && !ctx.node.attributes.flag("is_test", false)? {
        return Err(ctx.unsupported("training mode, whose random numbers are the runtime's own,"));
    }
    let training = match ctx.constant(2)? {
        Some(flag) => flag.to_f32().iter().any(|&flag| flag != 0.0),
        None => false,
    };
    if training && ctx.number("ratio", 1)?.unwrap_or(0.5) != 0.0 {
        return Err(ctx.unsupported("training mode, whose random numbers are the runtime's own,"));
    }
    let x = ctx.any(0)?;
    let mut results = ctx.like_first([x.clone()])?;
    if ctx.wants(1) {
        if x.count() > LIMIT {
            return Err(ctx.unsupported(format!("a mask of {} elements", x.count())));
        }
        // Before version 10 it had the operand's type.
        let dtype = if ctx.node.opset < 10 { ctx.dtype(0)? } else { ElementType::Bool };
        let ones = Data::from_numbers(dtype, &Numbers::Integers(vec![1; x.count()]));
        let mask = HostTensor::new(x.shape(), ones);
        results.push(mask.map(host).map_err(|_| ctx.wrong("its mask has no shape"))?);
    }
    Ok(results)
}

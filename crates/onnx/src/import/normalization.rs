//! Normalisations: by running statistics with the engine's own operation, by the operand's own statistics as compositions.

use tilewright_ops::{BatchNorm, BinaryOp, Pool2d, ReduceOp, UnaryOp};
use tilewright_tensor::Tensor;

use super::node::{Ctx, device, host, signed};
use super::value::Value;
use crate::element::ElementType;
use crate::error::Result;
use crate::limit::LIMIT;
use crate::params::axis;
use crate::params::operands::Operands;
use crate::tensor::{Data, HostTensor};

pub(super) fn batch_norm(ctx: &Ctx) -> Result<Vec<Value>> {
    let attributes = &ctx.node.attributes;
    let eps = attributes.float("epsilon", 1e-5)?;
    if !attributes.flag("spatial", true)? {
        return Err(ctx.unsupported("spatial = 0"));
    }
    let x = ctx.float(0)?;
    let [weight, bias, mean, var] = [ctx.float(1)?, ctx.float(2)?, ctx.float(3)?, ctx.float(4)?];
    let training = attributes.flag("training_mode", false)?
        || (ctx.opset < 7 && !attributes.flag("is_test", false)?)
        || (7..14).contains(&ctx.opset) && ctx.wants(1);
    if !training {
        let op = BatchNorm { eps, ..BatchNorm::default() };
        return ctx.like_first([x.batch_norm_eval(&weight, &bias, &mean, &var, &op)?]);
    }
    if ctx.opset < 14 {
        return Err(ctx.unsupported("training before operator set 14"));
    }
    if x.rank() < 2 {
        return Err(ctx.wrong(format!("an operand of shape {:?} has no channels", x.shape())));
    }
    let over: Vec<usize> = (0..x.rank()).filter(|&axis| axis != 1).collect();
    let (batch_mean, batch_var) = moments(&x, &over)?;
    let mut channels = vec![1; x.rank()];
    channels[1] = -1;
    let y = normalised(ctx, &x, &batch_mean, &batch_var, eps)?;
    let y = y.mul(&weight.reshape(&channels)?)?.add(&bias.reshape(&channels)?)?;
    // ONNX's momentum is the weight of the old statistics, and its variance the biased one.
    let momentum = attributes.float("momentum", 0.9)?;
    let blended = |old: &Tensor, new: &Tensor| -> Result<Tensor> {
        Ok(old.scale(momentum)?.add(&new.reshape(&[-1])?.scale(1.0 - momentum)?)?)
    };
    ctx.like_first([y, blended(&mean, &batch_mean)?, blended(&var, &batch_var)?])
}

/// Mean and biased variance over `axes`, which stay with extent 1.
fn moments(x: &Tensor, axes: &[usize]) -> Result<(Tensor, Tensor)> {
    let mean = x.reduce(ReduceOp::Mean, axes, true)?;
    let var = x.sub(&mean)?.unary(UnaryOp::Square)?.reduce(ReduceOp::Mean, axes, true)?;
    Ok((mean, var))
}

fn normalised(ctx: &Ctx, x: &Tensor, mean: &Tensor, var: &Tensor, eps: f32) -> Result<Tensor> {
    Ok(x.sub(mean)?.mul(&inverse_std(ctx, var, eps)?)?)
}

fn inverse_std(_: &Ctx, var: &Tensor, eps: f32) -> Result<Tensor> {
    Ok(var.unary(UnaryOp::AddScalar { value: eps })?.unary(UnaryOp::Rsqrt)?)
}

pub(super) fn instance_norm(ctx: &Ctx) -> Result<Vec<Value>> {
    let (x, scale, bias) = (ctx.float(0)?, ctx.float(1)?, ctx.float(2)?);
    if x.rank() < 3 {
        return Err(ctx.wrong(format!("an operand of shape {:?} has no spatial axes", x.shape())));
    }
    let over: Vec<usize> = (2..x.rank()).collect();
    let mut channels = vec![1; x.rank() - 1];
    channels[0] = -1;
    let (mean, var) = moments(&x, &over)?;
    let y = normalised(ctx, &x, &mean, &var, ctx.node.attributes.float("epsilon", 1e-5)?)?;
    ctx.like_first([y.mul(&scale.reshape(&channels)?)?.add(&bias.reshape(&channels)?)?])
}

pub(super) fn layer_norm(ctx: &Ctx) -> Result<Vec<Value>> {
    let attributes = &ctx.node.attributes;
    let (x, scale) = (ctx.float(0)?, ctx.float(1)?);
    let first = ctx.check(axis::one(attributes.int("axis", -1)?, x.rank()))?;
    let over: Vec<usize> = (first..x.rank()).collect();
    let (mean, var) = moments(&x, &over)?;
    let inverse = inverse_std(ctx, &var, attributes.float("epsilon", 1e-5)?)?;
    let mut y = x.sub(&mean)?.mul(&inverse)?.mul(&scale)?;
    if let Some(bias) = ctx.optional(2)? {
        y = y.add(&bias)?;
    }
    let mut results = ctx.like_first([y])?;
    results.extend([device(mean, ElementType::F32), device(inverse, ElementType::F32)]);
    Ok(results)
}

pub(super) fn group_norm(ctx: &Ctx) -> Result<Vec<Value>> {
    let attributes = &ctx.node.attributes;
    let (x, scale, bias) = (ctx.float(0)?, ctx.float(1)?, ctx.float(2)?);
    let groups = usize::try_from(attributes.int("num_groups", 0)?).unwrap_or(0);
    let channels = x.shape().get(1).copied().unwrap_or(0);
    if groups == 0 || !channels.is_multiple_of(groups) || x.rank() < 2 {
        return Err(ctx.wrong(format!("shape {:?} has no {groups} groups of channels", x.shape())));
    }
    let rest = &x.shape()[2..];
    let grouped = [&[x.shape()[0], groups, channels / groups], rest].concat();
    let split = x.reshape(&signed(&grouped))?;
    let (mean, var) = moments(&split, &(2..grouped.len()).collect::<Vec<_>>())?;
    let y = normalised(ctx, &split, &mean, &var, attributes.float("epsilon", 1e-5)?)?;
    // Until version 21 there was one factor for each group, since then for each channel.
    let per_group = ctx.opset < 21;
    let mut shape = vec![1; if per_group { grouped.len() - 1 } else { x.rank() - 1 }];
    shape[0] = -1;
    let affine =
        |y: &Tensor| -> Result<Tensor> { Ok(y.mul(&scale.reshape(&shape)?)?.add(&bias.reshape(&shape)?)?) };
    let own = signed(x.shape());
    ctx.like_first([if per_group { affine(&y)?.reshape(&own)? } else { affine(&y.reshape(&own)?)? }])
}

pub(super) fn mean_variance(ctx: &Ctx) -> Result<Vec<Value>> {
    let x = ctx.float(0)?;
    let given = ctx.node.attributes.ints("axes")?.unwrap_or(&[0, 2, 3]);
    let over = ctx.check(axis::all(given, x.rank()))?;
    let mean = x.reduce(ReduceOp::Mean, &over, true)?;
    // The specification writes the variance as E[x²] − E[x]² and adds 1e-9 to its root.
    let var = x.sub(&mean)?.unary(UnaryOp::Square)?.reduce(ReduceOp::Mean, &over, true)?;
    let deviation = var.unary(UnaryOp::Sqrt)?.unary(UnaryOp::AddScalar { value: 1e-9 })?;
    ctx.like_first([x.sub(&mean)?.div(&deviation)?])
}

pub(super) fn lp_norm(ctx: &Ctx) -> Result<Vec<Value>> {
    let (x, attributes) = (ctx.float(0)?, &ctx.node.attributes);
    let over = [ctx.check(axis::one(attributes.int("axis", -1)?, x.rank()))?];
    let norm = match attributes.int("p", 2)? {
        1 => x.unary(UnaryOp::Abs)?.reduce(ReduceOp::Sum, &over, true)?,
        2 => x.unary(UnaryOp::Square)?.reduce(ReduceOp::Sum, &over, true)?.unary(UnaryOp::Sqrt)?,
        other => return Err(attributes.wrong("p", format!("is {other} and must be 1 or 2"))),
    };
    ctx.like_first([x.div(&norm)?])
}

/// Local response normalisation across channels (Krizhevsky et al., 2012): a pooling along the channels of squares.
pub(super) fn local_response_norm(ctx: &Ctx) -> Result<Vec<Value>> {
    let (x, attributes) = (ctx.float(0)?, &ctx.node.attributes);
    let (alpha, beta) = (attributes.float("alpha", 1e-4)?, attributes.float("beta", 0.75)?);
    let bias = attributes.float("bias", 1.0)?;
    let size = usize::try_from(attributes.int("size", 0)?).unwrap_or(0);
    let &[n, c, ..] = x.shape() else {
        return Err(ctx.wrong(format!("an operand of shape {:?} has no channels", x.shape())));
    };
    if size == 0 {
        return Err(attributes.wrong("size", "must be positive".to_owned()));
    }
    let rest: usize = x.shape()[2..].iter().product();
    let before = (size - 1) / 2;
    let columns = x.unary(UnaryOp::Square)?.reshape(&signed(&[n, 1, c, rest]))?;
    let columns = columns.pad(&[(0, 0), (0, 0), (before, size - 1 - before), (0, 0)], 0.0)?;
    let sums = columns.sum_pool2d(&Pool2d { stride: [1, 1], ..Pool2d::new([size, 1]) })?;
    let sums = sums.reshape(&signed(x.shape()))?.scale(alpha / size as f32)?;
    let base = sums.unary(UnaryOp::AddScalar { value: bias })?;
    ctx.like_first([x.mul(&base.binary(BinaryOp::Pow, &ctx.scalar(-beta)?)?)?])
}

/// The identity at inference; its mask is then all true.
pub(super) fn dropout(ctx: &Ctx) -> Result<Vec<Value>> {
    // Before version 7 an attribute said so, and training was the default.
    if ctx.opset < 7 && !ctx.node.attributes.flag("is_test", false)? {
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
        let ones = vec![true; x.count()];
        let mask = HostTensor::new(x.shape(), Data::Bool(ones));
        results.push(mask.map(host).map_err(|_| ctx.wrong("its mask has no shape"))?);
    }
    Ok(results)
}

//! Convolutions, sums and means of bytes, as ONNX's integer operators have them.

use tilewright_ops::{
    Conv2d, DType, Op, Pool2d, QConv2d, Quantized, Steps,
    quantized::{AVERAGES, Addend, average_multipliers},
};
use tilewright_tensor::Tensor;

use super::convolution::{groups, own_axes, pair, two_axes};
use super::node::{Ctx, device};
use super::pooling::pool;
use super::value::Value;
use crate::element::ElementType;
use crate::error::Result;
use crate::params::axis;
use crate::params::operands::Operands;
use crate::params::window::{self, Window};

/// What the numbers of an operand or result stand for, all of them alike.
#[derive(Clone, Copy)]
pub(super) struct Means {
    pub scale: f32,
    pub zero: i32,
    pub dtype: ElementType,
}

impl Means {
    /// How sums become these numbers.
    pub(super) fn steps(self) -> Steps {
        let dtype = if self.dtype == ElementType::I8 { DType::I8 } else { DType::U8 };
        Steps::new(dtype, self.zero)
    }
}

/// Scales, which must be known at import: positive and finite numbers.
pub(super) fn scales(ctx: &Ctx, at: usize) -> Result<Vec<f32>> {
    let constant =
        ctx.constant(at)?.ok_or_else(|| ctx.wrong(format!("operand {at}, a scale, is missing")))?;
    let scales = constant.to_f32();
    match scales.iter().find(|scale| !(scale.is_finite() && **scale >= 0.0)) {
        Some(scale) => Err(ctx.wrong(format!("operand {at} has the scale {scale}"))),
        None => Ok(scales),
    }
}

/// Zero points of the type `of`, which must be known at import; none where they are left out.
pub(super) fn zeros(ctx: &Ctx, at: usize, of: ElementType) -> Result<Option<Vec<i32>>> {
    let Some(constant) = ctx.constant(at)? else { return Ok(None) };
    let dtype = constant.dtype();
    if dtype != of {
        return Err(ctx.wrong(format!("operand {at} has zero points of {dtype} for {of}")));
    }
    Ok(constant.to_i64().map(|zeros| zeros.into_iter().map(|zero| zero as i32).collect()))
}

/// One of them.
fn one<T: Copy>(ctx: &Ctx, at: usize, all: &[T]) -> Result<T> {
    match *all {
        [one] => Ok(one),
        _ => Err(ctx
            .unsupported(format!("operand {at} of {} numbers where one is for the whole tensor", all.len()))),
    }
}

/// What the bytes of operand `x` stand for, by its scale and its zero point behind it.
pub(super) fn means(ctx: &Ctx, x: usize, scale: usize) -> Result<Means> {
    let dtype = byte_type(ctx, x)?;
    Ok(Means { scale: one(ctx, scale, &scales(ctx, scale)?)?, zero: zero(ctx, scale + 1, dtype)?, dtype })
}

/// The type of operand `at`, which must be of bytes.
pub(super) fn byte_type(ctx: &Ctx, at: usize) -> Result<ElementType> {
    match ctx.dtype(at)? {
        dtype @ (ElementType::I8 | ElementType::U8) => Ok(dtype),
        other => Err(ctx.unsupported(format!("operand {at} of type {other} where int8 and uint8 are,"))),
    }
}

/// One zero point, 0 where it is left out.
pub(super) fn zero(ctx: &Ctx, at: usize, of: ElementType) -> Result<i32> {
    zeros(ctx, at, of)?.map_or(Ok(0), |zeros| one(ctx, at, &zeros))
}

/// What a result's numbers are to stand for, whose type its zero point says.
pub(super) fn result(ctx: &Ctx, scale: usize, default: ElementType) -> Result<Means> {
    let dtype = if ctx.has(scale + 1) { byte_type(ctx, scale + 1)? } else { default };
    let means =
        Means { scale: one(ctx, scale, &scales(ctx, scale)?)?, zero: zero(ctx, scale + 1, dtype)?, dtype };
    if means.scale == 0.0 {
        return Err(ctx.wrong("its result has the scale 0"));
    }
    Ok(means)
}

/// One number for each of `outputs`, from as many or from one for all.
pub(super) fn each<T: Copy>(ctx: &Ctx, at: usize, numbers: &[T], outputs: usize) -> Result<Vec<T>> {
    match *numbers {
        [one] => Ok(vec![one; outputs]),
        _ if numbers.len() == outputs => Ok(numbers.to_vec()),
        _ => Err(ctx.wrong(format!("operand {at} has {} numbers for {outputs} outputs", numbers.len()))),
    }
}

/// The operands of a convolution of bytes besides its window.
pub(super) struct Product {
    pub x: Tensor,
    pub x_zero: Zero,
    pub weight: Tensor,
    /// One for each output.
    pub weight_zeros: Option<Vec<i32>>,
    pub bias: Option<Tensor>,
    /// What sums become, and one multiplier for each output; sums where it is absent.
    pub y: Option<(Steps, Vec<f32>)>,
}

/// The number that stands for 0.
#[derive(Clone)]
pub(super) enum Zero {
    /// Known at import.
    Known(i32),
    /// One of i32 that follows from what the model is run on.
    Found(Tensor),
}

impl Zero {
    /// That of operand `at` of a product's sums, of the type `of`.
    pub(super) fn of(ctx: &Ctx, at: usize, of: ElementType) -> Result<Self> {
        match ctx.inputs.get(at) {
            Some(Some(Value::Device { tensor, .. })) if tensor.count() == 1 => {
                Ok(Self::Found(ctx.any(at)?.reshape(&[])?))
            }
            _ => zero(ctx, at, of).map(Self::Known),
        }
    }
}

/// A convolution of bytes over two axes. What x's zero point adds to sums is taken off where it is not known before.
pub(super) fn convolve(ctx: &Ctx, conv: Conv2d, product: Product) -> Result<Tensor> {
    let Product { x, x_zero, weight, weight_zeros, bias, y } = product;
    let x_zero = match x_zero {
        Zero::Known(zero) => zero,
        Zero::Found(_) if bias.is_some() || y.is_some() => {
            return Err(
                ctx.unsupported("bytes, or a bias, of sums whose zero point is found at run time".to_owned())
            );
        }
        Zero::Found(zero) => {
            let [_, rest @ ..] = x.shape() else { return Err(ctx.wrong("x has no axes".to_owned())) };
            let shape = [&[1], rest].concat();
            let ones = vec![1u8; shape.iter().product()];
            let ones = Tensor::from_slice(ctx.context, &ones, &shape)?;
            let sums = |x: Tensor| {
                let (weight, weight_zeros) = (weight.clone(), weight_zeros.clone());
                convolve(
                    ctx,
                    conv,
                    Product { x, x_zero: Zero::Known(0), weight, weight_zeros, bias: None, y: None },
                )
            };
            return Ok(sums(x.clone())?.sub(&sums(ones)?.mul(&zero)?)?);
        }
    };
    let tensor = |values: &[i32]| Tensor::from_slice(ctx.context, values, &[values.len()]);
    let zeros = weight_zeros.filter(|zeros| zeros.iter().any(|&zero| zero != 0));
    let zeros = zeros.map(|zeros| tensor(&zeros)).transpose()?;
    let multiplier = y.as_ref().map(|(_, by)| ctx.tensor(by, &[by.len()])).transpose()?;
    let op = Quantized::Conv2d {
        op: QConv2d { conv, x_zero, y: y.map(|(steps, _)| steps) },
        weight_zero: zeros.is_some(),
        bias: bias.is_some(),
        residual: None,
    };
    let mut operands = vec![&x, &weight];
    operands.extend(zeros.as_ref());
    operands.extend(bias.as_ref());
    operands.extend(multiplier.as_ref());
    Ok(Tensor::run_one(&Op::Quantized(op), &operands)?)
}

/// The multipliers x · w / y, in f32 and in this order, as ONNX Runtime computes them.
pub(super) fn multipliers(x: Means, weight: &[f32], y: Means) -> Vec<f32> {
    weight.iter().map(|by| x.scale * by / y.scale).collect()
}

/// x and the weight over two axes, with x padded where the sides differ, and the window.
fn windowed(ctx: &Ctx, weight: usize, x_zero: &Zero) -> Result<(Tensor, Tensor, Conv2d)> {
    let kernel = ctx.shape(weight)?.get(2..).unwrap_or(&[]).to_vec();
    let Window { strides, dilations, pads, .. } = window::window(ctx, ctx.shape(0)?, Some(&kernel))?;
    let (x, weight) = (two_axes(ctx, &ctx.bytes(0)?)?, two_axes(ctx, &ctx.bytes(weight)?)?);
    let pads: [[usize; 2]; 2] = pair(&pads, [0, 0]);
    let alike = pads.iter().all(|[before, behind]| before == behind);
    // What is around x stands for 0. f32 has all bytes.
    let (x, padding) = if alike {
        (x, [pads[0][0], pads[1][0]])
    } else {
        let Zero::Known(x_zero) = *x_zero else {
            return Err(ctx.unsupported(
                "padding that differs by side around a zero point found at run time".to_owned(),
            ));
        };
        let border = [(0, 0), (0, 0), pads[0].into(), pads[1].into()];
        (x.cast(DType::F32)?.pad(&border, x_zero as f32)?.cast(x.dtype())?, [0, 0])
    };
    let op =
        Conv2d { stride: pair(&strides, 1), padding, dilation: pair(&dilations, 1), groups: groups(ctx)? };
    Ok((x, weight, op))
}

/// A bias of int32, if it is there.
pub(super) fn bias(ctx: &Ctx, at: usize) -> Result<Option<Tensor>> {
    if !ctx.has(at) {
        return Ok(None);
    }
    match ctx.dtype(at)? {
        ElementType::I32 => ctx.any(at).map(Some),
        other => Err(ctx.wrong(format!("operand {at}, the bias, is {other} and must be int32"))),
    }
}

/// Operands: x, its scale and zero point; the weight's; the result's scale and zero point; a bias.
pub(super) fn conv(ctx: &Ctx) -> Result<Vec<Value>> {
    let (x, weight_type) = (means(ctx, 0, 1)?, byte_type(ctx, 3)?);
    let y = result(ctx, 6, x.dtype)?;
    let outputs = ctx.shape(3)?.first().copied().unwrap_or(0);
    let by = each(ctx, 4, &scales(ctx, 4)?, outputs)?;
    let weight_zeros = zeros(ctx, 5, weight_type)?.map(|zeros| each(ctx, 5, &zeros, outputs)).transpose()?;
    let rank = ctx.shape(0)?.len();
    let (tensor, weight, op) = windowed(ctx, 3, &Zero::Known(x.zero))?;
    let product = Product {
        x: tensor,
        x_zero: Zero::Known(x.zero),
        weight,
        weight_zeros,
        bias: bias(ctx, 8)?,
        y: Some((y.steps(), multipliers(x, &by, y))),
    };
    Ok(vec![device(own_axes(convolve(ctx, op, product)?, rank)?, y.dtype)])
}

/// Operands: x, the weight, and the zero points of both, as far as they are there.
pub(super) fn conv_integer(ctx: &Ctx) -> Result<Vec<Value>> {
    let x_zero = Zero::of(ctx, 2, byte_type(ctx, 0)?)?;
    let outputs = ctx.shape(1)?.first().copied().unwrap_or(0);
    let weight_zeros =
        zeros(ctx, 3, byte_type(ctx, 1)?)?.map(|zeros| each(ctx, 3, &zeros, outputs)).transpose()?;
    let rank = ctx.shape(0)?.len();
    let (x, weight, op) = windowed(ctx, 1, &x_zero)?;
    let product = Product { x, x_zero, weight, weight_zeros, bias: None, y: None };
    Ok(vec![device(own_axes(convolve(ctx, op, product)?, rank)?, ElementType::I32)])
}

/// Operands: a, its scale and zero point; b's; the result's.
pub(super) fn add(ctx: &Ctx) -> Result<Vec<Value>> {
    let operands = [means(ctx, 0, 1)?, means(ctx, 3, 4)?];
    let y = result(ctx, 6, operands[0].dtype)?;
    let shape = ctx.check(axis::broadcast_shapes(ctx.shape(0)?, ctx.shape(3)?))?;
    let whole = |at: usize| -> Result<Tensor> {
        let x = ctx.bytes(at)?;
        Ok(if x.shape() == shape { x } else { x.expand(&shape)? })
    };
    let addends = operands.map(|x| Addend { zero_point: x.zero, multiplier: x.scale / y.scale });
    let op = Op::Quantized(Quantized::Add { addends, y: y.steps() });
    Ok(vec![device(Tensor::run_one(&op, &[&whole(0)?, &whole(3)?])?, y.dtype)])
}

/// Operands: x, its scale and zero point; the result's.
pub(super) fn average_pool(ctx: &Ctx) -> Result<Vec<Value>> {
    let count_include_pad = ctx.node.attributes.flag("count_include_pad", false)?;
    let pool = pool(ctx, ctx.shape(0)?)?;
    let x = two_axes(ctx, &ctx.bytes(0)?)?;
    if !pool.is_plain(x.shape()) {
        return Err(ctx.unsupported("a mean of bytes whose padding differs from side to side"));
    }
    mean(ctx, &x, Pool2d { count_include_pad, ..pool.with_padding() })
}

/// Operands: x, its scale and zero point; the result's.
pub(super) fn global_average_pool(ctx: &Ctx) -> Result<Vec<Value>> {
    let x = two_axes(ctx, &ctx.bytes(0)?)?;
    let extents = pair(x.shape().get(2..).unwrap_or(&[]), 1);
    if extents.contains(&0) {
        return Err(ctx.wrong(format!("shape {:?} has no elements to take the mean of", ctx.shape(0)?)));
    }
    mean(ctx, &x, Pool2d::new(extents))
}

fn mean(ctx: &Ctx, x: &Tensor, pool: Pool2d) -> Result<Vec<Value>> {
    if ctx.node.attributes.flag("channels_last", false)? {
        return Err(ctx.unsupported("an operand whose channels come last"));
    }
    let (means, rank) = (means(ctx, 0, 1)?, ctx.shape(0)?.len());
    let y = result(ctx, 3, means.dtype)?;
    if pool.kernel[0].saturating_mul(pool.kernel[1]) > AVERAGES {
        return Err(ctx.unsupported(format!("a mean of bytes over {:?}", pool.kernel)));
    }
    let multiplier = average_multipliers(&pool, means.scale / y.scale);
    let multiplier = ctx.tensor(&multiplier, &[multiplier.len()])?;
    let op = Op::Quantized(Quantized::AvgPool2d { pool, x_zero: means.zero, y: y.steps() });
    Ok(vec![device(own_axes(Tensor::run_one(&op, &[x, &multiplier])?, rank)?, y.dtype)])
}

//! Operations on bytes.

use tilewright_kernels::{
    convolution::Problem,
    quantized::{self, QConv2dLaunch, Scales},
};
use tilewright_ops::{
    DType, QConv2d, Quantized,
    quantized::{Residual, check_zero_point},
};

use super::shape::four;
use crate::{error::Result, hints::Hints, layout::Layout, tensor::Tensor};

/// Runs `op`, whose operands fit it and whose result has `shape`.
pub(super) fn launch(op: &Quantized, inputs: &[&Tensor], shape: &[usize], hints: &Hints) -> Result<Tensor> {
    let x = inputs[0];
    match op {
        Quantized::Quantize { dtype, axis } => quantize(x, [inputs[1], inputs[2]], *dtype, *axis),
        Quantized::Dequantize { axis } => dequantize(x, [inputs[1], inputs[2]], *axis),
        Quantized::Conv2d { op, weight_zero, bias, residual } => {
            conv2d(op, [*weight_zero, *bias], *residual, inputs, shape, hints)
        }
        Quantized::Add { addends, y: steps } => {
            let a = x;
            for (x, addend) in inputs.iter().zip(addends) {
                check_zero_point("qadd", "zero_point", addend.zero_point, x.dtype())?;
            }
            let b = inputs[1].to_layout(a.layout())?;
            let y = Tensor::empty(a.context(), shape, steps.dtype, a.layout())?;
            if y.count() > 0 {
                let operands = [(a.buffer(), a.dtype(), addends[0]), (b.buffer(), b.dtype(), addends[1])];
                quantized::add(a.context(), operands, y.buffer(), steps, y.count())?;
            }
            Ok(y)
        }
        Quantized::AvgPool2d { pool, x_zero, y: steps } => {
            check_zero_point("qavg_pool2d", "x_zero", *x_zero, x.dtype())?;
            let (x, multiplier) = (x.to_layout(Layout::ChannelsLast)?, inputs[1]);
            let y = Tensor::empty(x.context(), shape, steps.dtype, Layout::ChannelsLast)?;
            if y.count() > 0 {
                let from = (x.buffer(), four(x.shape()), x.dtype(), *x_zero);
                let to = (y.buffer(), four(shape), steps);
                quantized::avg_pool2d(x.context(), pool, from, multiplier.buffer(), to)?;
            }
            Ok(y)
        }
        Quantized::MaxPool2d(pool) => {
            let x = x.to_layout(Layout::ChannelsLast)?;
            let y = Tensor::empty(x.context(), shape, x.dtype(), Layout::ChannelsLast)?;
            if y.count() > 0 {
                let (from, to) = ((x.buffer(), four(x.shape())), (y.buffer(), four(shape)));
                quantized::max_pool2d(x.context(), pool, x.dtype(), from, to)?;
            }
            Ok(y)
        }
        Quantized::Mul { zeros, multiplier, y: steps } => {
            let a = x;
            for (x, &zero) in inputs.iter().zip(zeros) {
                check_zero_point("qmul", "zero_point", zero, x.dtype())?;
            }
            let b = inputs[1].to_layout(a.layout())?;
            let y = Tensor::empty(a.context(), shape, steps.dtype, a.layout())?;
            if y.count() > 0 {
                let operands = [(a.buffer(), a.dtype(), zeros[0]), (b.buffer(), b.dtype(), zeros[1])];
                quantized::mul(a.context(), operands, *multiplier, y.buffer(), steps, y.count())?;
            }
            Ok(y)
        }
        Quantized::Lookup { dtype } => {
            let y = x.like(*dtype)?;
            if y.count() > 0 {
                let from = (x.buffer(), x.dtype());
                quantized::lookup(x.context(), from, inputs[1].buffer(), y.buffer(), y.count())?;
            }
            Ok(y)
        }
        Quantized::Gather { axis } => {
            let y = Tensor::empty(x.context(), shape, x.dtype(), x.layout())?;
            if y.count() > 0 {
                let from = (x.buffer(), [x.shape()[*axis], x.strides()[*axis].unsigned_abs()]);
                let indices = (inputs[1].buffer(), shape[*axis]);
                quantized::gather(x.context(), from, indices, y.buffer(), y.count())?;
            }
            Ok(y)
        }
    }
}

/// Where the scales of `axis` lie in memory: its extent, and the distance of neighbours.
fn places(x: &Tensor, axis: Option<usize>) -> Option<[usize; 2]> {
    axis.map(|axis| [x.shape()[axis], x.strides()[axis].unsigned_abs()])
}

fn quantize(x: &Tensor, [scale, zero]: [&Tensor; 2], dtype: DType, axis: Option<usize>) -> Result<Tensor> {
    let y = x.like(dtype)?;
    if y.count() > 0 {
        let scales = Scales { scale: scale.buffer(), zero_point: zero.buffer(), axis: places(x, axis) };
        quantized::quantize(x.context(), x.buffer(), scales, y.buffer(), dtype, x.count())?;
    }
    Ok(y)
}

fn dequantize(x: &Tensor, [scale, zero]: [&Tensor; 2], axis: Option<usize>) -> Result<Tensor> {
    let y = x.like(DType::F32)?;
    if y.count() > 0 {
        let scales = Scales { scale: scale.buffer(), zero_point: zero.buffer(), axis: places(x, axis) };
        quantized::dequantize(x.context(), x.buffer(), x.dtype(), scales, y.buffer(), x.count())?;
    }
    Ok(y)
}

fn conv2d(
    op: &QConv2d,
    [weight_zero, bias]: [bool; 2],
    residual: Option<Residual>,
    inputs: &[&Tensor],
    shape: &[usize],
    hints: &Hints,
) -> Result<Tensor> {
    check_zero_point(QConv2d::OP, "x_zero", op.x_zero, inputs[0].dtype())?;
    if let Some(means) = residual {
        let dtype = inputs[inputs.len() - 1].dtype();
        check_zero_point(QConv2d::OP, "the residual's zero point", means.zero_point, dtype)?;
    }
    let x = inputs[0].to_layout(Layout::ChannelsLast)?;
    let weight = inputs[1].to_layout(Layout::RowMajor)?;
    let problem = Problem::new(&op.conv, four(x.shape()), four(weight.shape()))?;
    let dtype = op.y.map_or(DType::I32, |steps| steps.dtype);
    let y = Tensor::empty(x.context(), shape, dtype, Layout::ChannelsLast)?;
    if y.count() == 0 {
        return Ok(y);
    }
    // What is there follows in this order.
    let mut rest = inputs[2..].iter();
    let mut next = |there: bool| if there { rest.next().map(|tensor| tensor.buffer()) } else { None };
    let (weight_zero, bias, multiplier) = (next(weight_zero), next(bias), next(op.y.is_some()));
    let added = residual
        .map(|means| inputs[inputs.len() - 1].to_layout(Layout::ChannelsLast).map(|added| (added, means)))
        .transpose()?;
    let call = QConv2dLaunch {
        problem,
        op: *op,
        x: x.buffer(),
        x_type: x.dtype(),
        weight: weight.buffer(),
        weight_type: weight.dtype(),
        weight_zero,
        bias,
        multiplier,
        residual: added.as_ref().map(|(added, means)| (added.buffer(), added.dtype(), *means)),
        algorithm: hints.qconv2d,
    };
    quantized::qconv2d(x.context(), &call, y.buffer())?;
    Ok(y)
}

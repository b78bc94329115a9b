//! From an operation with its operands to kernels, one file for each family.
//!
//! Only [`crate::Tensor::run_with`] calls [`launch`], after it has checked the operands; nothing here checks again. What is
//! launched otherwise is no operation on values: filling and copying memory, changing a layout (`memory`), writing
//! in place (`crate::ops::optimizer`), and textures (`crate::ops::texture`).

mod attention;
mod cast;
mod convolution;
mod cumsum;
mod custom;
mod detection;
mod elementwise;
mod fake_quantize;
mod indexing;
mod loss;
mod matmul;
pub(crate) mod memory;
mod moments;
mod movement;
mod normalization;
mod pooling;
mod quantized;
mod random;
mod reduction;
mod resample;
mod shape;
mod softmax;
mod sort;

use tilewright_ops::{Gradient, Op, PoolKind};

use shape::four;

use crate::{epilogue::Epilogue, error::Result, hints::Hints, tensor::Tensor};

/// Runs `op`, whose operands fit it and whose results have `shapes`.
pub(crate) fn launch(
    op: &Op,
    inputs: &[&Tensor],
    shapes: &[Vec<usize>],
    hints: &Hints,
) -> Result<Vec<Tensor>> {
    let x = inputs[0];
    let shape = shapes.first().map_or(&[][..], |shape| shape);
    let y = match op {
        Op::Unary(op) => elementwise::unary(*op, x)?,
        Op::Binary { op, activation } => {
            elementwise::binary(*op, *activation, [x, inputs[1]], shape, hints.over)?
        }
        Op::Where => elementwise::choose(x, inputs[1], inputs[2], shape)?,
        Op::Cast(dtype) => cast::cast(x, *dtype)?,
        Op::MatMul { op, bias, residual, activation } => {
            let epilogue = epilogue(inputs, *bias, *residual, *activation);
            matmul::matmul(op, x, inputs[1], &epilogue, shape, hints)?
        }
        Op::Conv2d { op, bias, residual, activation, pool } => {
            let epilogue = epilogue(inputs, *bias, *residual, *activation);
            convolution::conv2d(op, x, inputs[1], &epilogue, pool.as_ref(), hints)?
        }
        Op::ConvTranspose2d(op) => {
            convolution::backward_input(&op.transposed(), x, inputs[1], four(shape), hints)?
        }
        Op::Im2col { op, kernel } => convolution::im2col(op, *kernel, x)?,
        Op::BatchNorm { op, activation } => normalization::eval(op, *activation, inputs)?,
        Op::BatchNormTrain { op, activation } => return normalization::train(op, *activation, inputs),
        Op::MaxPool2d { pool, indices } => return pooling::max(pool, *indices, x, four(shape)),
        Op::AvgPool2d(pool) => pooling::average(PoolKind::Average, pool, x, four(shape))?,
        Op::SumPool2d(pool) => pooling::average(PoolKind::Sum, pool, x, four(shape))?,
        Op::AdaptiveAvgPool2d(pool) => pooling::adaptive(*pool, x, four(shape))?,
        Op::Reduce { op, axes, keepdim: _ } => reduction::reduce(*op, axes, x, shape)?,
        Op::Argmax { axes, keepdim: _ } => reduction::argmax(axes, x, shape)?,
        Op::Softmax(op) => softmax::softmax("softmax", op.axis, x)?,
        Op::LogSoftmax(op) => softmax::softmax("log_softmax", op.axis, x)?,
        Op::CumSum(op) => cumsum::cumsum(*op, x)?,
        Op::Moments(op) => return moments::moments(op, x, shape),
        Op::Standardize => moments::standardize(x, [inputs[1], inputs[2], inputs[3]])?,
        Op::CrossEntropy { op, weights: _ } => loss::cross_entropy(op, inputs, shape)?,
        Op::Dropout { op, seed, stream } => random::dropout(op, *seed, *stream, x)?,
        Op::Reshape(_) => movement::reshape(x, shape)?,
        Op::Permute(axes) => movement::permute(axes, x, shape)?,
        Op::Slice(ranges) => movement::slice(ranges, x, shape)?,
        Op::Concat { axis } => movement::concat(*axis, inputs, shape)?,
        Op::Split { axis, parts } => return movement::split(*axis, parts, x),
        Op::Pad { padding, value } => movement::pad(padding, *value, x, shape)?,
        Op::Expand(_) => movement::expand(x, shape)?,
        Op::Resample { axis } => resample::resample(*axis, x, [inputs[1], inputs[2]], shape)?,
        Op::Gather { axis } => indexing::gather(*axis, x, inputs[1], shape)?,
        Op::GatherElements { axis } => indexing::gather_elements(*axis, x, inputs[1], shape)?,
        Op::GatherNd { batch } => indexing::gather_nd(*batch, x, inputs[1], shape)?,
        Op::Scatter { axis, reduction } => indexing::scatter(*axis, *reduction, [x, inputs[1], inputs[2]])?,
        Op::ScatterElements { axis, reduction } => {
            indexing::scatter_elements(*axis, *reduction, [x, inputs[1], inputs[2]])?
        }
        Op::ScatterNd { batch, reduction } => {
            indexing::scatter_nd(*batch, *reduction, [x, inputs[1], inputs[2]])?
        }
        Op::Attention { op, mask: _ } => return attention::attention(*op, inputs, shapes),
        Op::TopK(op) => return sort::topk(*op, x, shape),
        Op::Nms(op) => detection::nms(*op, [x, inputs[1]], shape)?,
        Op::RoiAlign(op) => detection::roi_align(op, [x, inputs[1]], shape)?,
        Op::RoiPool(op) => return detection::roi_pool(op, [x, inputs[1]], shape),
        Op::FakeQuantize(op) => fake_quantize::forward(op, inputs)?,
        Op::Quantized(op) => quantized::launch(op, inputs, shape, hints)?,
        Op::Custom(_) => return custom::custom(op, inputs, shapes),
        Op::Gradient(gradient) => return backward(gradient, inputs, shape, hints),
    };
    Ok(vec![y])
}

fn backward(gradient: &Gradient, inputs: &[&Tensor], shape: &[usize], hints: &Hints) -> Result<Vec<Tensor>> {
    let x = inputs[0];
    let y = match gradient {
        Gradient::Unary(op) => elementwise::unary_backward(*op, x, inputs[1], hints.over == Some(1))?,
        Gradient::Binary { op, wants } => {
            return elementwise::binary_backward(*op, *wants, [x, inputs[1]], inputs[2]);
        }
        Gradient::Conv2dInput { op, x_shape } => {
            convolution::backward_input(op, x, inputs[1], *x_shape, hints)?
        }
        Gradient::Conv2dWeight { op, weight_shape } => {
            convolution::backward_weight(op, x, inputs[1], *weight_shape, hints)?
        }
        Gradient::Conv2dBias => convolution::backward_bias(x)?,
        Gradient::Im2col { op, kernel, x_shape } => convolution::col2im(op, *kernel, *x_shape, x)?,
        Gradient::MaxPool2d { pool, x_shape } => pooling::max_backward(pool, *x_shape, x, inputs[1])?,
        Gradient::AvgPool2d { pool, x_shape } => {
            pooling::average_backward("avg_pool2d_backward", pool, *x_shape, x)?
        }
        Gradient::SumPool2d { pool, x_shape } => {
            pooling::average_backward("sum_pool2d_backward", &pooling::summing(pool), *x_shape, x)?
        }
        Gradient::AdaptiveAvgPool2d { pool, x_shape } => pooling::adaptive_backward(*pool, *x_shape, x)?,
        Gradient::BatchNormTrain { activation } => {
            return normalization::train_backward(*activation, inputs, hints.over == Some(4));
        }
        Gradient::BatchNormAgain { activation } => normalization::again(*activation, inputs)?,
        Gradient::BatchNorm { op, activation } => {
            return normalization::eval_backward(op, *activation, inputs, hints.over == Some(4));
        }
        Gradient::FakeQuantize { op, wants } => return fake_quantize::backward(op, *wants, inputs),
        Gradient::Softmax(op) => softmax::backward("softmax", op.axis, x, inputs[1])?,
        Gradient::LogSoftmax(op) => softmax::backward("log_softmax", op.axis, x, inputs[1])?,
        Gradient::CrossEntropy { op, weights: _ } => loss::cross_entropy_backward(op, inputs)?,
        Gradient::TopK { op, shape: _ } => sort::topk_backward(*op, x, inputs[1], shape)?,
        Gradient::RoiAlign { op, x_shape } => detection::roi_align_backward(op, *x_shape, [x, inputs[1]])?,
        Gradient::RoiPool { op, x_shape } => {
            detection::roi_pool_backward(op, *x_shape, [x, inputs[1], inputs[2]])?
        }
        Gradient::Slice { shape: _, ranges } => movement::slice_backward(ranges, x, shape)?,
    };
    Ok(vec![y])
}

/// Bias and residual come behind the two factors.
fn epilogue<'a>(
    inputs: &[&'a Tensor],
    bias: bool,
    residual: bool,
    activation: Option<tilewright_ops::UnaryOp>,
) -> Epilogue<'a> {
    let bias = bias.then(|| inputs[2]);
    let residual = residual.then(|| inputs[inputs.len() - 1]);
    Epilogue { bias, residual, activation }
}

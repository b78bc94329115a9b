//! The backward rule of each operation, one file for each family. A rule saves only the tensors that it reads.

mod attention;
mod convolution;
mod cumsum;
mod custom;
mod detection;
mod elementwise;
mod fake_quantize;
mod indexing;
mod loss;
mod matmul;
mod moments;
mod movement;
mod normalization;
mod pooling;
mod random;
mod reduction;
pub(crate) mod rule;
mod sort;
mod standardize;

use tilewright_ops::{BinaryOp, Op, UnaryOp};
use tilewright_tensor::Tensor;

use crate::{
    error::{Error, Result},
    keep::Recipe,
    var::Var,
};
use rule::Backward;

/// The operation that is run where a gradient is wanted, and how many of its results are the caller's: some save more
/// than they give.
pub(crate) fn forward(op: &Op) -> (Op, usize) {
    match op {
        Op::MaxPool2d { pool, indices: false } => (Op::MaxPool2d { pool: *pool, indices: true }, 1),
        op => (op.clone(), usize::MAX),
    }
}

/// How many of an operation's results have a gradient, counted from the first: the others are saved or carried on.
pub(crate) fn differentiable(op: &Op) -> usize {
    match op {
        Op::BatchNormTrain { .. } | Op::Attention { .. } => 1,
        _ => usize::MAX,
    }
}

/// How the first of an operation's results, `outputs`, may be made again from what its own rule holds, where that is cheap.
pub(crate) fn recipe(op: &Op, inputs: &[&Var], outputs: &[Tensor]) -> Option<Recipe> {
    match op {
        Op::BatchNormTrain { op: _, activation } => Some(normalization::again(*activation, inputs, outputs)),
        Op::Binary { op: BinaryOp::Add, activation: Some(UnaryOp::Relu) } => elementwise::again_sum(inputs),
        Op::Unary(op) => elementwise::again(*op, inputs[0]),
        Op::Concat { axis } => movement::again(*axis, inputs),
        _ => None,
    }
}

/// The parts of an operation that has taken others into itself and has no rule of its own: what it computes by itself, with
/// its operands, and what follows.
pub(crate) enum Part {
    /// The sum of what comes before and the last operand.
    Residual,
    /// A function of what comes before.
    Activation(UnaryOp),
    /// A pooling of what comes before.
    Pool(Op),
}

/// The operation without what follows, and that in order; nothing where it has a rule as it is.
pub(crate) fn parts(op: &Op) -> Option<(Op, Vec<Part>)> {
    match *op {
        // The sum with a relu has a rule of its own.
        Op::Binary { op: BinaryOp::Add, activation: Some(UnaryOp::Relu) } => None,
        Op::Binary { op, activation: Some(activation) } => {
            Some((Op::Binary { op, activation: None }, vec![Part::Activation(activation)]))
        }
        Op::MatMul { op, bias, residual, activation } if residual || activation.is_some() => {
            let plain = Op::MatMul { op, bias, residual: false, activation: None };
            let parts = residual.then_some(Part::Residual).into_iter();
            Some((plain, parts.chain(activation.map(Part::Activation)).collect()))
        }
        Op::Conv2d { op, bias, residual, activation, pool }
            if residual || activation.is_some() || pool.is_some() =>
        {
            let plain = Op::Conv2d { op, bias, residual: false, activation: None, pool: None };
            let parts = residual.then_some(Part::Residual).into_iter();
            let parts = parts.chain(activation.map(Part::Activation));
            Some((plain, parts.chain(pool.map(|pool| Part::Pool(pool.op()))).collect()))
        }
        _ => None,
    }
}

/// The rule of `op`, which gave `outputs`.
///
/// # Errors
/// [`Error::NoGradient`] for an operation whose gradient is not known.
pub(crate) fn backward(op: &Op, inputs: &[&Var], outputs: &[Tensor]) -> Result<Backward> {
    let tensor = |at: usize| inputs[at].tensor();
    // Statistics, class weights and regions are given: their gradient is not 0, and no rule knows it.
    let given = match op {
        Op::BatchNorm { .. } | Op::BatchNormTrain { .. } => 3..5,
        Op::CrossEntropy { .. } => 2..3,
        // Corners have a gradient that no rule knows, as in torchvision.
        Op::RoiAlign(_) | Op::RoiPool(_) => 1..2,
        _ => 0..0,
    };
    if inputs.iter().enumerate().any(|(at, input)| given.contains(&at) && input.needs_gradient()) {
        return Err(Error::NoGradient { op: op.name() });
    }
    let rule = match op {
        Op::Unary(op) => elementwise::unary(*op, inputs[0]),
        Op::Binary { op: _, activation: Some(_) } => elementwise::add_relu(inputs, &outputs[0]),
        Op::Binary { op, activation: None } => elementwise::binary(*op, inputs),
        Op::Where => elementwise::choose(inputs),
        Op::Cast(dtype) => return Ok(elementwise::cast(tensor(0).dtype(), *dtype)),
        Op::MatMul { op, .. } => matmul::matmul(*op, inputs),
        Op::Conv2d { op, .. } => convolution::conv2d(*op, inputs)?,
        Op::ConvTranspose2d(op) => convolution::conv_transpose2d(*op, inputs),
        Op::Im2col { op, kernel } => convolution::im2col(*op, *kernel, tensor(0)),
        Op::BatchNorm { op, activation } => normalization::eval(*op, *activation, inputs),
        Op::BatchNormTrain { op: _, activation } => normalization::train(*activation, inputs, outputs),
        Op::MaxPool2d { pool, indices: _ } => pooling::max(*pool, tensor(0), &outputs[1])?,
        Op::AvgPool2d(pool) => pooling::average(*pool, tensor(0)),
        Op::SumPool2d(pool) => pooling::sum(*pool, tensor(0)),
        Op::AdaptiveAvgPool2d(pool) => pooling::adaptive_average(*pool, tensor(0)),
        Op::Reduce { op, axes, keepdim } => reduction::reduce(*op, axes, *keepdim, tensor(0), &outputs[0])?,
        Op::Softmax(op) => reduction::softmax(op.axis, &outputs[0]),
        Op::LogSoftmax(op) => reduction::log_softmax(op.axis, &outputs[0]),
        Op::CumSum(op) => cumsum::cumsum(*op),
        Op::Moments(_) => moments::moments(inputs, outputs),
        Op::Standardize => standardize::standardize(inputs),
        Op::CrossEntropy { op, weights: _ } => loss::cross_entropy(*op, inputs),
        Op::Dropout { op, seed, stream } => random::dropout(*op, *seed, *stream),
        Op::Reshape(_) => movement::reshape(tensor(0)),
        Op::Permute(axes) => movement::permute(axes),
        Op::Slice(ranges) => movement::slice(ranges, tensor(0)),
        Op::Concat { axis } => movement::concat(*axis, inputs),
        Op::Split { axis, parts } => movement::split(*axis, parts, tensor(0)),
        Op::Pad { padding, .. } => movement::pad(padding, tensor(0)),
        Op::Expand(_) => movement::expand(tensor(0)),
        Op::Attention { op, mask: _ } => attention::attention(*op, inputs, outputs),
        Op::TopK(op) => sort::topk(*op, tensor(0), &outputs[1]),
        Op::Gather { .. } | Op::GatherElements { .. } | Op::GatherNd { .. } => {
            indexing::gathered(op, tensor(0), tensor(1))
        }
        Op::Scatter { reduction, .. }
        | Op::ScatterElements { reduction, .. }
        | Op::ScatterNd { reduction, .. } => {
            let operands = [tensor(0), tensor(1), tensor(2)];
            indexing::scattered(op, *reduction, operands, &outputs[0])
                .ok_or(Error::NoGradient { op: op.name() })?
        }
        Op::RoiAlign(op) => detection::roi_align(*op, inputs)?,
        Op::RoiPool(op) => detection::roi_pool(*op, inputs, &outputs[1])?,
        Op::FakeQuantize(op) => fake_quantize::fake_quantize(*op, inputs),
        Op::Custom(_) => custom::custom(op, inputs, outputs)?,
        Op::Argmax { .. } | Op::Nms(_) => return Ok(Backward::Nothing),
        Op::Resample { .. } | Op::Quantized(_) | Op::Gradient(_) => {
            return Err(Error::NoGradient { op: op.name() });
        }
    };
    Ok(Backward::Rule(rule))
}

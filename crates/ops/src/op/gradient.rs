//! The gradients that have kernels of their own. All others are made of operations of the vocabulary.

use crate::{
    convolution::Conv2d,
    detection::{RoiAlign, RoiPool},
    elementwise::{BinaryOp, UnaryOp},
    loss::CrossEntropy,
    movement::SliceRange,
    normalization::BatchNorm,
    pooling::{AdaptiveAvgPool2d, Pool2d},
    quantized::FakeQuantize,
    softmax::{LogSoftmax, Softmax},
    sort::TopK,
};

/// The gradient of an operation by its operands, from the gradient `grad_y` of its result.
#[derive(Debug, Clone, PartialEq)]
pub enum Gradient {
    /// `x`, `grad_y`.
    Unary(UnaryOp),
    /// `a`, `b`, `grad_y`. Results: `grad_a` and `grad_b` as far as they are wanted, in the shape of `grad_y`: what was
    /// broadcast is not summed yet.
    Binary {
        /// What was computed.
        op: BinaryOp,
        /// Which of the two are wanted; one at least.
        wants: [bool; 2],
    },
    /// `grad_y`, `weight`: by the input.
    Conv2dInput {
        /// The convolution.
        op: Conv2d,
        /// N C H W of the input.
        x_shape: [usize; 4],
    },
    /// `grad_y`, `x`: by the weight.
    Conv2dWeight {
        /// The convolution.
        op: Conv2d,
        /// O (C/groups) KH KW.
        weight_shape: [usize; 4],
    },
    /// `grad_y`: by the bias.
    Conv2dBias,
    /// `grad_y`, as [`super::Op::Im2col`] gives it: PyTorch's `fold`.
    Im2col {
        /// Stride, padding, dilation.
        op: Conv2d,
        /// Height and width of the windows.
        kernel: [usize; 2],
        /// N C H W of the input.
        x_shape: [usize; 4],
    },
    /// `indices` of i32, `grad_y`.
    MaxPool2d {
        /// The windows.
        pool: Pool2d,
        /// N C H W of the input.
        x_shape: [usize; 4],
    },
    /// `grad_y`.
    AvgPool2d {
        /// The windows.
        pool: Pool2d,
        /// N C H W of the input.
        x_shape: [usize; 4],
    },
    /// `grad_y`.
    SumPool2d {
        /// The windows.
        pool: Pool2d,
        /// N C H W of the input.
        x_shape: [usize; 4],
    },
    /// `grad_y`.
    AdaptiveAvgPool2d {
        /// The windows.
        pool: AdaptiveAvgPool2d,
        /// N C H W of the input.
        x_shape: [usize; 4],
    },
    /// `x`, `weight`, `mean`, `inv_std`, `grad_y`, the mean's `rest`, then `bias` if there is an activation. Results: by `x`,
    /// `weight`, `bias`.
    BatchNormTrain {
        /// Of the result: its operand is computed anew.
        activation: Option<UnaryOp>,
    },
    /// `x`, `weight`, `bias`, `mean`, `inv_std`, the mean's `rest`. Result: what training's batch normalisation gave, to the same
    /// bits. It is no gradient, but what gradients are computed from where it was not kept.
    BatchNormAgain {
        /// Of the result.
        activation: Option<UnaryOp>,
    },
    /// `x`, `weight`, `running_mean`, `running_var`, `grad_y`, then `bias` if there is an activation. Results: by `x`,
    /// `weight`, `bias`.
    BatchNorm {
        /// eps.
        op: BatchNorm,
        /// Of the result: its operand is computed anew.
        activation: Option<UnaryOp>,
    },
    /// `x`, `scale`, `zero_point` of i32, `grad_y`. Results: `grad_x` and `grad_scale` as far as they are wanted, in the shape of x:
    /// what belongs to one scale is not summed yet.
    FakeQuantize {
        /// What was computed.
        op: FakeQuantize,
        /// Which of the two are wanted; one at least.
        wants: [bool; 2],
    },
    /// The result `y`, `grad_y`.
    Softmax(Softmax),
    /// The result `y`, `grad_y`.
    LogSoftmax(LogSoftmax),
    /// `logits`, `labels` of i32, `grad_y`, then class weights if they are there.
    CrossEntropy {
        /// The loss.
        op: CrossEntropy,
        /// Whether there are class weights.
        weights: bool,
    },
    /// `indices` of i32, `grad_y` of the values: each goes to its index along the axis.
    TopK {
        /// The operation.
        op: TopK,
        /// The shape of its operand.
        shape: Vec<usize>,
    },
    /// `rois`, `grad_y`: by x.
    RoiAlign {
        /// The bins and their samples.
        op: RoiAlign,
        /// N C H W of x.
        x_shape: [usize; 4],
    },
    /// `rois`, `indices` of i32, `grad_y`: by x.
    RoiPool {
        /// The bins.
        op: RoiPool,
        /// N C H W of x.
        x_shape: [usize; 4],
    },
    /// `grad_y`, put back into zeros.
    Slice {
        /// The shape of what was sliced.
        shape: Vec<usize>,
        /// A range of each axis.
        ranges: Vec<SliceRange>,
    },
}

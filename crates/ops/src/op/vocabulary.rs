//! The operations with their parameters.

use super::{custom::Custom, gradient::Gradient, quantized::Quantized};
use crate::{
    attention::Attention,
    conv_transpose::ConvTranspose2d,
    convolution::Conv2d,
    cumsum::CumSum,
    detection::{Nms, RoiAlign, RoiPool},
    dtype::DType,
    elementwise::BinaryOp,
    elementwise::UnaryOp,
    error::DTypeError,
    error::ShapeError,
    indexing::ScatterReduction,
    loss::CrossEntropy,
    matmul::MatMul,
    moments::Moments,
    movement::SliceRange,
    normalization::BatchNorm,
    pooling::AdaptiveAvgPool2d,
    pooling::Pool2d,
    pooling::Pooling,
    quantized::FakeQuantize,
    random::Dropout,
    reduction::ReduceOp,
    softmax::LogSoftmax,
    softmax::Softmax,
    sort::TopK,
};

/// An operation of the vocabulary with everything but its operands.
///
/// The operands are listed with each operation, in their order; shapes are logical. Where nothing is said of the results,
/// there is one.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// `x`.
    Unary(UnaryOp),
    /// `a`, `b`, with NumPy's broadcasting; then the activation.
    Binary {
        /// What is computed.
        op: BinaryOp,
        /// Of the result.
        activation: Option<UnaryOp>,
    },
    /// `left`, `right`, then bias (one number for each column) and residual as far as they are there:
    /// `activation(left · right + bias + residual)`.
    MatMul {
        /// Transpositions.
        op: MatMul,
        /// Whether there is a bias.
        bias: bool,
        /// Whether there is a residual, of the result's shape.
        residual: bool,
        /// Of the sum.
        activation: Option<UnaryOp>,
    },
    /// `x`, `weight`, then bias and residual as far as they are there: `activation(conv2d(x, weight) + bias + residual)`,
    /// and a pooling of that.
    Conv2d {
        /// Stride, padding, dilation, groups.
        op: Conv2d,
        /// Whether there is a bias.
        bias: bool,
        /// Whether there is a residual, of the convolution's shape.
        residual: bool,
        /// Of the sum.
        activation: Option<UnaryOp>,
        /// Of the activation.
        pool: Option<Pooling>,
    },
    /// `x`, `weight`, `bias`, `running_mean`, `running_var`: inference.
    BatchNorm {
        /// eps.
        op: BatchNorm,
        /// Of the result.
        activation: Option<UnaryOp>,
    },
    /// `x`, `weight`, `bias`, `running_mean`, `running_var`: training. Results: `y`, and of the shape C the batch's
    /// `mean` and `inv_std`, the new `running_mean` and `running_var`, and the `rest` that the rounded mean is short of the
    /// mean.
    BatchNormTrain {
        /// eps and momentum.
        op: BatchNorm,
        /// Of `y`.
        activation: Option<UnaryOp>,
    },
    /// `x`. Results: the maxima, and where asked for where each lies, as the flat index in the H·W plane (i32).
    MaxPool2d {
        /// The windows.
        pool: Pool2d,
        /// Whether the indices are a second result.
        indices: bool,
    },
    /// `x`.
    AvgPool2d(Pool2d),
    /// `x`: sums of windows.
    SumPool2d(Pool2d),
    /// `x`.
    AdaptiveAvgPool2d(AdaptiveAvgPool2d),
    /// `x`.
    Reduce {
        /// Sum, mean, maximum, minimum.
        op: ReduceOp,
        /// Which axes; none are all.
        axes: Vec<usize>,
        /// Whether reduced axes stay with extent 1.
        keepdim: bool,
    },
    /// `x`: places of maxima, i32.
    Argmax {
        /// Which axes; none are all.
        axes: Vec<usize>,
        /// Whether reduced axes stay with extent 1.
        keepdim: bool,
    },
    /// `x`: its windows as columns, N C·KH·KW OH·OW: PyTorch's `unfold`.
    Im2col {
        /// Stride, padding, dilation; its groups play no part.
        op: Conv2d,
        /// Height and width of the windows.
        kernel: [usize; 2],
    },
    /// `logits`, `labels` of i32, then class weights if they are there.
    CrossEntropy {
        /// Smoothing, what is ignored, reduction.
        op: CrossEntropy,
        /// Whether there are class weights.
        weights: bool,
    },
    /// `x`; the mask is drawn from seed and stream.
    Dropout {
        /// The probability.
        op: Dropout,
        /// Which random numbers.
        seed: u64,
        /// Which of the seed's streams.
        stream: u64,
    },
    /// `x`.
    Softmax(Softmax),
    /// `x`.
    LogSoftmax(LogSoftmax),
    /// `x`: running sums along an axis.
    CumSum(CumSum),
    /// `x`. Results, with extent 1 along the axes: the `mean`, the `rest` that it is short of the mean for being rounded, and
    /// the biased `variance`.
    Moments(Moments),
    /// `x`, `mean`, `rest`, `inv_std`: `((x − mean) − rest) · inv_std`, of which the last three have one shape, with extent 1 or
    /// x's along each axis.
    Standardize,
    /// `x`, to a shape of as many elements.
    Reshape(Vec<usize>),
    /// `x`: axis i of the result is axis `axes[i]` of `x`.
    Permute(Vec<usize>),
    /// `x`: a range of each axis.
    Slice(Vec<SliceRange>),
    /// Any number of operands, joined along an axis.
    Concat {
        /// The axis.
        axis: usize,
    },
    /// `x`. Results: its parts along an axis, of these extents.
    Split {
        /// The axis.
        axis: usize,
        /// The extent of each part; together the axis.
        parts: Vec<usize>,
    },
    /// `x`, with a border of one value.
    Pad {
        /// Before and after each axis.
        padding: Vec<(usize, usize)>,
        /// The border's value.
        value: f32,
    },
    /// `x`, repeated along axes of extent 1.
    Expand(Vec<usize>),
    /// `x`, as another type.
    Cast(DType),
    /// `x`, `weight`.
    ConvTranspose2d(ConvTranspose2d),
    /// `condition`, `a`, `b`, broadcast to one shape: a where the condition is not 0, else b.
    Where,
    /// `x`, then a table for each of the axes `axis` and `axis + 1`, `[places, taps, 2]` (see [`crate::TapTable`]).
    Resample {
        /// The first of the two axes.
        axis: usize,
    },
    /// `x` of any type, `indices` of i32, which take the axis's place; one outside the axis gives 0.
    Gather {
        /// The axis.
        axis: usize,
    },
    /// `x` of any type, `indices` of i32 in as many axes: the element of each line along the axis that each index names
    /// (`torch.gather`); one outside the axis gives 0.
    GatherElements {
        /// The axis.
        axis: usize,
    },
    /// `x` of any type, `indices` of i32 whose last axis holds tuples: the slices of x that they name; one outside gives 0.
    GatherNd {
        /// Leading axes that x and the indices share.
        batch: usize,
    },
    /// `x`, `indices` of i32, `updates`, slices of x: `x` with each slice put where its index along the axis says
    /// (`torch.index_add`, `index_copy`). The counterpart of [`Self::Gather`].
    Scatter {
        /// The axis.
        axis: usize,
        /// What becomes of what is there.
        reduction: ScatterReduction,
    },
    /// `x`, `indices` of i32, `updates` of their shape: `x` with each update put where its index along the axis says
    /// (`torch.scatter`, `scatter_reduce`). The counterpart of [`Self::GatherElements`].
    ScatterElements {
        /// The axis.
        axis: usize,
        /// What becomes of what is there.
        reduction: ScatterReduction,
    },
    /// `x`, `indices` of i32 whose last axis holds tuples, `updates`, slices of x: the counterpart of [`Self::GatherNd`].
    ScatterNd {
        /// Leading axes that x and the indices share.
        batch: usize,
        /// What becomes of what is there.
        reduction: ScatterReduction,
    },
    /// `query`, `key`, `value` of four axes, then a mask that is added to the scores if there is one. Results: `y`, and the
    /// logarithms of the softmax's sums, which the way back reads.
    Attention {
        /// Scale, and which keys a query sees.
        op: Attention,
        /// Whether there is a mask.
        mask: bool,
    },
    /// `x`. Results: `values` and, as i32, their `indices` along the axis.
    TopK(TopK),
    /// `boxes` (x1 y1 x2 y2) of images, best first, and their `classes` of i32, below 0 for none: as i32, 1 for each that is kept
    /// and 0 for the others.
    Nms(Nms),
    /// `x`, `rois`: an image's number and two corners in each row.
    RoiAlign(RoiAlign),
    /// `x`, `rois`: an image's number and two corners in each row. Results: `y` and, as i32, the `indices` in the H·W plane.
    RoiPool(RoiPool),
    /// `x` of f32, `scale` of f32 and `zero_point` of i32, of one number or one for each index of the axis: quantised and
    /// dequantised again. A NaN stays one.
    FakeQuantize(FakeQuantize),
    /// An operation on bytes that stand for real numbers.
    Quantized(Quantized),
    /// An operation that another crate brings (`tilewright_tensor::Function`), of the operands that it says.
    Custom(Custom),
    /// The gradient of another operation.
    Gradient(Gradient),
}

impl Op {
    /// The name, as in errors, profiles and the support table.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.facts().name
    }

    /// The shapes of the results.
    ///
    /// # Errors
    /// A [`ShapeError`] that names the operation and the shapes.
    pub fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>, ShapeError> {
        self.facts().output_shapes(inputs)
    }

    /// The shape of the first result.
    ///
    /// # Errors
    /// Those of [`Self::output_shapes`].
    pub fn output_shape(&self, inputs: &[&[usize]]) -> Result<Vec<usize>, ShapeError> {
        Ok(self.output_shapes(inputs)?.swap_remove(0))
    }

    /// The element types of the results.
    ///
    /// # Errors
    /// [`DTypeError`] names the operand that has another type than the operation takes.
    pub fn output_dtypes(&self, inputs: &[DType]) -> Result<Vec<DType>, DTypeError> {
        self.facts().output_dtypes(inputs)
    }

    /// Floating-point operations: multiplications and additions count as one each; 0 for what only moves elements.
    ///
    /// # Errors
    /// Those of [`Self::output_shapes`].
    pub fn flops(&self, inputs: &[&[usize]]) -> Result<u64, ShapeError> {
        self.facts().flop_count(inputs)
    }
}

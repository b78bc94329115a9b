//! What a row of the table says of an operator: the operation that it is, with its attributes as data.
//!
//! Import, the host's arithmetic, export and the support table match on these without a wildcard: an operator that one of
//! them has forgotten does not compile.

use tilewright_ops::{BinaryOp, ReduceOp, UnaryOp};

use crate::attributes::Attributes;
use crate::error::Result;

/// An operator that is read on the device: its name, the first version of the standard operator set whose definition is
/// read, and what it is.
pub(crate) type Row = (&'static str, i64, Operator);

/// An operator that is computed on the host alone, from constants.
pub(crate) type HostRow = (&'static str, HostOperator);

/// What an operator of the device is. Most are computed on the host too, where their operands are constants.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Operator {
    /// A function of each element.
    Unary(UnaryOp),
    /// A function of each element with one or two numbers as attributes, in the order of the function's fields.
    UnaryFloats(&'static [FloatAttribute], fn([f32; 2]) -> UnaryOp),
    /// A function of each element that an attribute chooses by name; the first where it is absent.
    UnaryChoice(&'static str, &'static [(&'static str, UnaryOp)]),
    /// A function of two operands, broadcast.
    Binary(BinaryOp),
    /// A comparison of two operands, broadcast.
    Compare(Comparison),
    /// Two truth values to one.
    Logic(Logic),
    /// The other truth value.
    Not,
    /// Any number of operands, broadcast.
    Variadic(Variadic),
    /// `x` where it is positive, elsewhere times a slope.
    Prelu,
    /// A choice by a condition.
    Where,
    /// Bounds, as attributes or operands.
    Clip,
    /// To the type of an attribute.
    Cast,
    /// To the type of the second operand.
    CastLike,
    /// The rest of a division.
    Mod,
    /// A function of the bits of two integers.
    Bits(Bits),
    /// The other bits.
    BitwiseNot,
    /// Whether it is no number.
    IsNaN,
    /// Whether it is infinite.
    IsInf,
    /// Ones along a diagonal of a matrix of the operand's shape.
    EyeLike,
    /// A function of the lines along an axis.
    Lines(Lines),
    /// A matrix product by NumPy's rule.
    MatMul,
    /// α · A · B + β · C.
    Gemm,
    /// Convolution.
    Conv,
    /// Transposed convolution.
    ConvTranspose,
    /// The largest of each window.
    MaxPool,
    /// The mean of each window.
    AveragePool,
    /// A reduction of all spatial axes.
    GlobalPool(ReduceOp),
    /// Batch normalisation.
    BatchNorm,
    /// Normalisation of each channel of each image.
    InstanceNorm,
    /// Normalisation over the last axes.
    LayerNorm,
    /// Normalisation over groups of channels.
    GroupNorm,
    /// Mean 0 and deviation 1 over axes.
    MeanVarianceNorm,
    /// Division by the 1-norm or 2-norm of a line.
    LpNorm,
    /// Local response normalisation.
    LocalResponseNorm,
    /// The identity, at inference.
    Dropout,
    /// A reduction over axes.
    Reduce(Reduction),
    /// Where the largest or smallest element lies.
    Arg(Extreme),
    /// Running sums.
    CumSum,
    /// The largest or smallest of each line, and where they lie.
    TopK,
    /// The operand itself.
    Identity,
    /// The same elements under another shape.
    Relabel(Relabel),
    /// The extents.
    Shape,
    /// The number of elements.
    Size,
    /// Axes in another order.
    Transpose,
    /// Operands one behind the other.
    Concat,
    /// Parts of an axis.
    Split,
    /// A box.
    Slice,
    /// Repetition along axes of extent 1.
    Expand,
    /// Repetition.
    Tile,
    /// A border.
    Pad,
    /// Blocks of channels to blocks of pixels.
    DepthToSpace,
    /// Blocks of pixels to channels.
    SpaceToDepth,
    /// Slices by index.
    Gather,
    /// Elements by index.
    GatherElements,
    /// Slices by tuples of indices.
    GatherNd,
    /// Elements written by index.
    ScatterElements,
    /// Slices written by tuples of indices.
    ScatterNd,
    /// One of two values by index.
    OneHot,
    /// One side of the diagonal.
    Trilu,
    /// Slices by a condition.
    Compress,
    /// The first elements of each line in the opposite order.
    ReverseSequence,
    /// Another size, since operator set 10.
    Resize,
    /// Another size, before.
    Upsample,
    /// −log of the label's likelihood, from logarithms.
    NegativeLogLikelihood,
    /// The same from scores.
    SoftmaxCrossEntropy,
    /// x · sigmoid(α · x).
    Swish,
    /// Normalisation by the root of the mean square.
    RmsNorm,
    /// Queries by keys, and values by the outcome.
    Attention,
    /// Pairs of elements turned by their place.
    RotaryEmbedding,
    /// Products and sums by letters.
    Einsum,
    /// The p-norm of each window.
    LpPool,
    /// The p-norm of all spatial axes.
    GlobalLpPool,
    /// Determinants.
    Det,
    /// The middle, or a border around it.
    CenterCropPad,
    /// The places of an affine map.
    AffineGrid,
    /// Elements at fractional places.
    GridSample,
    /// Columns added to the windows that they came from.
    Col2Im,
    /// Regions of an image, resized.
    RoiAlign,
    /// The largest elements of the bins of regions.
    MaxRoiPool,
    /// Convolution whose taps are moved.
    DeformConv,
    /// Steps of a scale.
    Quantize,
    /// The numbers of such steps.
    Dequantize,
    /// Steps of a scale that follows from the numbers.
    DynamicQuantize,
    /// Convolution of bytes to bytes.
    QLinearConv,
    /// Convolution of bytes to sums.
    ConvInteger,
    /// A matrix product of bytes to bytes.
    QLinearMatMul,
    /// A matrix product of bytes to sums.
    MatMulInteger,
    /// An operator of `com.microsoft`.
    Contrib(Contrib),
}

/// Operators of ONNX Runtime's own domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contrib {
    FusedConv,
    FusedGemm,
    FusedMatMul,
    Gelu,
    BiasGelu,
    FastGelu,
    QuickGelu,
    QLinearAdd,
    QLinearAveragePool,
    QLinearGlobalAveragePool,
    QGemm,
    QLinearConcat,
    QLinearMul,
    QLinearSigmoid,
    QLinearLeakyRelu,
}

/// An attribute that is a number, and what an absent one means.
pub(crate) type FloatAttribute = (&'static str, f32);

/// Comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Functions of two truth values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Logic {
    And,
    Or,
    Xor,
}

/// Functions of any number of operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variadic {
    Max,
    Min,
    Sum,
    Mean,
}

/// Functions of the lines along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lines {
    Softmax,
    LogSoftmax,
    Hardmax,
}

/// Reductions over axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reduction {
    Sum,
    Mean,
    Max,
    Min,
    Prod,
    L1,
    L2,
    SumSquare,
    LogSum,
    LogSumExp,
}

/// Ends of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extreme {
    Max,
    Min,
}

/// How a shape follows from another of as many elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relabel {
    Reshape,
    Flatten,
    Squeeze,
    Unsqueeze,
}

/// What is computed on the host alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HostOperator {
    /// Where the elements are that are not 0.
    NonZero,
    /// A value of the file.
    Constant,
    /// One number in a shape.
    ConstantOfShape,
    /// Numbers one step apart.
    Range,
    /// A window for a signal.
    Window(Windowing),
    /// The transform of a signal.
    Dft,
    /// The transforms of a signal's parts.
    Stft,
    /// Weights of a spectrum's bands.
    MelWeights,
    /// Each element once.
    Unique,
    /// Counts of n-grams.
    TfIdf,
    /// Running products.
    CumProd,
    /// The same bits under another type.
    BitCast,
    /// Boxes that no better one covers.
    NonMaxSuppression,
    /// Maxima put back where they were.
    MaxUnpool,
}

/// Windows for signals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Windowing {
    Hann,
    Hamming,
    Blackman,
}

/// Functions of the bits of two integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bits {
    Shift,
    And,
    Or,
    Xor,
}

impl Comparison {
    /// The operation.
    pub(crate) const fn op(self) -> BinaryOp {
        match self {
            Self::Equal => BinaryOp::Equal,
            Self::Less => BinaryOp::Less,
            Self::LessOrEqual => BinaryOp::LessOrEqual,
            Self::Greater => BinaryOp::Greater,
            Self::GreaterOrEqual => BinaryOp::GreaterOrEqual,
        }
    }
}

impl Reduction {
    /// The operation, if it is one alone.
    pub(crate) const fn op(self) -> Option<ReduceOp> {
        match self {
            Self::Sum => Some(ReduceOp::Sum),
            Self::Mean => Some(ReduceOp::Mean),
            Self::Max => Some(ReduceOp::Max),
            Self::Min => Some(ReduceOp::Min),
            Self::Prod => Some(ReduceOp::Prod),
            Self::L1 | Self::L2 | Self::SumSquare | Self::LogSum | Self::LogSumExp => None,
        }
    }
}

/// The function that a node's attributes say.
///
/// # Errors
/// [`crate::error::Error::Attribute`] for one of another type, or a name that is unknown.
pub(crate) fn by_floats(
    attributes: &Attributes,
    names: &[FloatAttribute],
    build: fn([f32; 2]) -> UnaryOp,
) -> Result<UnaryOp> {
    let mut values = [0.0; 2];
    for (value, &(name, default)) in values.iter_mut().zip(names) {
        *value = attributes.float(name, default)?;
    }
    Ok(build(values))
}

/// The function that an attribute names; the first where it is absent.
///
/// # Errors
/// As [`by_floats`].
pub(crate) fn by_name(
    attributes: &Attributes,
    attribute: &str,
    choices: &[(&'static str, UnaryOp)],
) -> Result<UnaryOp> {
    let given = attributes.string(attribute)?;
    let found = choices.iter().find(|&&(name, _)| given.is_none_or(|given| given == name));
    found
        .map(|&(_, op)| op)
        .ok_or_else(|| attributes.wrong(attribute, format!("`{}` is unknown", given.unwrap_or_default())))
}

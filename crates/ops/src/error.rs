//! The error of every shape rule.

use thiserror::Error;

/// An operand of an element type that the operation does not take.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{op}: `{operand}` is {found}, and this operation takes {expected}; use `cast`")]
pub struct DTypeError {
    /// The operation.
    pub op: &'static str,
    /// Which operand.
    pub operand: &'static str,
    /// Its type.
    pub found: crate::dtype::DType,
    /// What it takes, in words.
    pub expected: &'static str,
}

/// Shapes or parameters that do not fit together. Each message names the operation, the shapes and what to do.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum ShapeError {
    /// Two shapes that NumPy's broadcasting rule does not join.
    #[error(
        "{op}: shapes {left:?} and {right:?} do not broadcast; counted from the last axis, extents must be equal or 1: reshape or expand one of them"
    )]
    Broadcast {
        /// The operation.
        op: &'static str,
        /// Shape of the left operand.
        left: Vec<usize>,
        /// Shape of the right operand.
        right: Vec<usize>,
    },
    /// An operand with the wrong number of axes.
    #[error("{op}: {operand} has shape {shape:?}: it has {} axes and must have {expected}; reshape it", shape.len())]
    Rank {
        /// The operation.
        op: &'static str,
        /// Which operand.
        operand: &'static str,
        /// Its shape.
        shape: Vec<usize>,
        /// The axes the operation takes, in words.
        expected: &'static str,
    },
    /// An operand whose shape follows from the others and is another.
    #[error(
        "{op}: {operand} has shape {shape:?} and must have shape {expected:?}; check which tensor is passed as {operand}"
    )]
    Operand {
        /// The operation.
        op: &'static str,
        /// Which operand.
        operand: &'static str,
        /// Its shape.
        shape: Vec<usize>,
        /// The shape the operation needs.
        expected: Vec<usize>,
    },
    /// Input channels that do not match the weight.
    #[error(
        "{op}: input {input:?} has {} channels, but weight {weight:?} with groups = {groups} takes {}; check the weight's layout (O I H W) and groups", input[1], weight[1].saturating_mul(*groups)
    )]
    Channels {
        /// The operation.
        op: &'static str,
        /// Input shape, N C H W.
        input: [usize; 4],
        /// Weight shape, O I/groups H W.
        weight: [usize; 4],
        /// Number of groups.
        groups: usize,
    },
    /// A number of groups that does not divide the channels.
    #[error(
        "{op}: groups = {groups} does not divide input {input:?} (channels {}) and weight {weight:?} (output channels {}); choose a common divisor of both", input[1], weight[0]
    )]
    Groups {
        /// The operation.
        op: &'static str,
        /// Input shape, N C H W.
        input: [usize; 4],
        /// Weight shape, O I/groups H W.
        weight: [usize; 4],
        /// Number of groups.
        groups: usize,
    },
    /// A parameter outside its range, such as a stride of zero.
    #[error("{op}: {parameter} = {value} is not allowed; {hint}")]
    Parameter {
        /// The operation.
        op: &'static str,
        /// The parameter's name.
        parameter: &'static str,
        /// Its value, as text.
        value: String,
        /// The values allowed.
        hint: &'static str,
    },
    /// A window (kernel with its dilation) larger than the padded input.
    #[error(
        "{op}: kernel {kernel:?} with dilation {dilation:?} is larger than input {input:?} padded by {padding:?}; use a smaller kernel, more padding or a larger image"
    )]
    KernelTooLarge {
        /// The operation.
        op: &'static str,
        /// Input shape, N C H W.
        input: [usize; 4],
        /// Kernel height and width.
        kernel: [usize; 2],
        /// Padding on each side, height and width.
        padding: [usize; 2],
        /// Dilation, height and width.
        dilation: [usize; 2],
    },
    /// Pooling padding of more than half the kernel.
    #[error("{op}: padding {padding:?} is more than half of kernel {kernel:?}; pad the tensor first, or pad by at most {:?}", [kernel[0] / 2, kernel[1] / 2])]
    PaddingTooLarge {
        /// The operation.
        op: &'static str,
        /// Kernel height and width.
        kernel: [usize; 2],
        /// Padding on each side, height and width.
        padding: [usize; 2],
    },
    /// A dilated pooling window that touches padding only, so that it has no value.
    #[error(
        "{op}: with kernel {kernel:?}, padding {padding:?} and dilation {dilation:?} a window over input {input:?} covers only padding; use less padding or less dilation"
    )]
    EmptyWindow {
        /// The operation.
        op: &'static str,
        /// Input shape, N C H W.
        input: [usize; 4],
        /// Kernel height and width.
        kernel: [usize; 2],
        /// Padding on each side, height and width.
        padding: [usize; 2],
        /// Dilation, height and width.
        dilation: [usize; 2],
    },
    /// Inner extents of a matrix product that differ.
    #[error(
        "{op}: shapes {left:?} (transposed: {transpose_left}) and {right:?} (transposed: {transpose_right}) have inner extents {inner_left} and {inner_right}, which must be equal; transpose or reshape an operand"
    )]
    Inner {
        /// The operation.
        op: &'static str,
        /// Shape of the left operand as stored.
        left: Vec<usize>,
        /// Shape of the right operand as stored.
        right: Vec<usize>,
        /// Whether the left operand is read transposed.
        transpose_left: bool,
        /// Whether the right operand is read transposed.
        transpose_right: bool,
        /// Inner extent of the left operand.
        inner_left: usize,
        /// Inner extent of the right operand.
        inner_right: usize,
    },
    /// An axis that the shape does not have.
    #[error("{op}: axis {axis} does not exist in shape {shape:?}; it has {} axes, counted from 0", shape.len())]
    Axis {
        /// The operation.
        op: &'static str,
        /// The axis asked for.
        axis: isize,
        /// The shape.
        shape: Vec<usize>,
    },
    /// An axis named twice.
    #[error("{op}: axis {axis} is named twice in {axes:?} for shape {shape:?}; name each axis once")]
    RepeatedAxis {
        /// The operation.
        op: &'static str,
        /// The axis.
        axis: usize,
        /// The axes asked for.
        axes: Vec<usize>,
        /// The shape.
        shape: Vec<usize>,
    },
    /// Axes that are not a permutation of all axes.
    #[error("{op}: axes {axes:?} are not a permutation of the {} axes of shape {shape:?}; name each axis exactly once", shape.len())]
    Permutation {
        /// The operation.
        op: &'static str,
        /// The axes asked for.
        axes: Vec<usize>,
        /// The shape.
        shape: Vec<usize>,
    },
    /// A maximum, minimum or argmax of nothing.
    #[error(
        "{op}: shape {shape:?} has no elements along axes {axes:?}, and {op} of zero elements is undefined; skip empty batches or reduce other axes"
    )]
    EmptyReduction {
        /// The operation.
        op: &'static str,
        /// The shape.
        shape: Vec<usize>,
        /// The axes reduced.
        axes: Vec<usize>,
    },
    /// More elements wanted than an axis has.
    #[error(
        "{op}: k = {k} elements are wanted along axis {axis} of shape {shape:?}; k may be at most {}", shape.get(*axis).copied().unwrap_or(0)
    )]
    TooFewElements {
        /// The operation.
        op: &'static str,
        /// Elements wanted.
        k: usize,
        /// The axis.
        axis: usize,
        /// The shape.
        shape: Vec<usize>,
    },
    /// A reshape that changes the number of elements, or that cannot infer its -1.
    #[error("{op}: shape {from:?} cannot become {to:?}: {reason}")]
    Reshape {
        /// The operation.
        op: &'static str,
        /// Shape as it is.
        from: Vec<usize>,
        /// Shape asked for, -1 is inferred.
        to: Vec<isize>,
        /// Why not, and what to do.
        reason: &'static str,
    },
    /// A slice outside its axis.
    #[error(
        "{op}: {start}..{end} with step {step} does not lie in axis {axis} of shape {shape:?}; want start <= end <= {} and step >= 1", shape.get(*axis).copied().unwrap_or(0)
    )]
    Slice {
        /// The operation.
        op: &'static str,
        /// The axis.
        axis: usize,
        /// First index.
        start: usize,
        /// One past the last index.
        end: usize,
        /// Step between indices.
        step: usize,
        /// The shape.
        shape: Vec<usize>,
    },
    /// Shapes that differ elsewhere than on the joined axis.
    #[error(
        "{op}: shapes {first:?} and {other:?} (operand {operand}) must be equal except on axis {axis}; reshape or slice one of them"
    )]
    Concat {
        /// The operation.
        op: &'static str,
        /// Shape of the first operand.
        first: Vec<usize>,
        /// Shape of the operand that differs.
        other: Vec<usize>,
        /// Its position among the operands.
        operand: usize,
        /// The axis joined.
        axis: usize,
    },
    /// Nothing to work on where at least one operand is needed.
    #[error("{op}: no operands; pass at least one tensor")]
    NoOperands {
        /// The operation.
        op: &'static str,
    },
    /// More or fewer operands than the operation takes.
    #[error("{op}: it cannot take {found} operands; see its documentation")]
    OperandCount {
        /// The operation.
        op: &'static str,
        /// How many were given.
        found: usize,
    },
    /// Batch statistics over a single value.
    #[error(
        "{op}: training needs more than one value per channel to have a variance, but input {input:?} has {values}; use a larger batch or evaluation mode"
    )]
    TooFewValues {
        /// The operation.
        op: &'static str,
        /// Input shape, N C ….
        input: Vec<usize>,
        /// Values per channel.
        values: usize,
    },
    /// More elements, or a larger extent, than a `usize` holds.
    #[error(
        "{op}: shape {shape:?} has more elements than this machine can address; use a smaller batch or smaller extents"
    )]
    TooManyElements {
        /// The operation.
        op: &'static str,
        /// The shape.
        shape: Vec<usize>,
    },
}

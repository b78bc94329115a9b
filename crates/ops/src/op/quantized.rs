//! The operations on bytes that stand for real numbers.

use crate::{
    dtype::DType,
    pooling::Pool2d,
    quantized::{Addend, QConv2d, Residual, Steps},
};

/// An operation on the whole numbers of quantised tensors, or to and from them. Bytes are i8 or u8.
#[derive(Debug, Clone, PartialEq)]
pub enum Quantized {
    /// `x` of f32, `scale` of f32 and `zero_point` of i32, of one number or one for each index of the axis:
    /// clamp(round(x / scale) + zero point), half to even; NaN becomes the lowest number (ONNX's QuantizeLinear).
    Quantize {
        /// Of the result: i8 or u8.
        dtype: DType,
        /// Which axis has numbers of its own.
        axis: Option<usize>,
    },
    /// `x` of bytes or i32, `scale`, `zero_point`: (x − zero point) · scale (ONNX's DequantizeLinear).
    Dequantize {
        /// Which axis has numbers of its own.
        axis: Option<usize>,
    },
    /// `x` and `weight` of bytes; then, as far as they are there, `weight_zero` of i32, `bias` of i32, `multiplier` of f32
    /// (where sums become bytes), one number for each output channel, and `residual`, bytes of the result's shape.
    Conv2d {
        /// Stride, padding, dilation, groups, zero point, and what becomes of sums.
        op: QConv2d,
        /// Whether the weight's zero points are not all 0.
        weight_zero: bool,
        /// Whether there is a bias.
        bias: bool,
        /// What is added before sums are rounded.
        residual: Option<Residual>,
    },
    /// `a`, `b` of bytes and one shape: clamp(round(a's + b's) + zero point).
    Add {
        /// What the numbers of a and of b stand for.
        addends: [Addend; 2],
        /// How the sum becomes bytes.
        y: Steps,
    },
    /// `x` of bytes and `multiplier` of f32 ([`crate::quantized::average_multipliers`]): means of windows.
    AvgPool2d {
        /// The windows.
        pool: Pool2d,
        /// The number of x that stands for 0.
        x_zero: i32,
        /// How sums become bytes.
        y: Steps,
    },
    /// `x` of bytes: maxima of windows.
    MaxPool2d(Pool2d),
    /// `a`, `b` of bytes and one shape: clamp(round((a − its zero point) · (b − its zero point) · multiplier) + zero point).
    Mul {
        /// The numbers of a and of b that stand for 0.
        zeros: [i32; 2],
        /// The scales of both by the result's.
        multiplier: f32,
        /// How products become bytes.
        y: Steps,
    },
    /// `x` of bytes and `table`, 256 bytes of the result's type: the table's entry for each number, counted from the least one
    /// (−128 or 0). Any function of one number, and a change of scale.
    Lookup {
        /// Of the result: i8 or u8.
        dtype: DType,
    },
    /// `x` of bytes and `indices` of i32, one axis: elements along `axis`; 0 for an index that is outside.
    Gather {
        /// The axis.
        axis: usize,
    },
}

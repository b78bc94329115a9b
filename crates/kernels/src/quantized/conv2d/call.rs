//! What a convolution of bytes is told.

use tilewright_ops::{DType, QConv2d, Steps, quantized::Residual};
use tilewright_runtime::{Buffer, Result};
use tilewright_shaders::Specialisation;

use super::algorithm::QConv2dAlgorithm;
use crate::{base::numbers::to_u32, convolution::Problem};

/// A convolution of bytes; activations lie channels-last, the weight O I KH KW row-major. What is one number for each output
/// channel may be absent, but the multipliers where sums become bytes.
#[derive(Clone, Copy)]
pub struct QConv2dLaunch<'a> {
    /// Stride, padding, dilation, groups and shapes.
    pub problem: Problem,
    /// Zero point of x, and what becomes of sums.
    pub op: QConv2d,
    /// N H W C.
    pub x: &'a Buffer,
    /// i8 or u8.
    pub x_type: DType,
    /// O I KH KW.
    pub weight: &'a Buffer,
    /// i8 or u8.
    pub weight_type: DType,
    /// The weight's zero points, i32.
    pub weight_zero: Option<&'a Buffer>,
    /// Added to sums, i32.
    pub bias: Option<&'a Buffer>,
    /// The scales of x and the weight by the result's, f32.
    pub multiplier: Option<&'a Buffer>,
    /// N OH OW O, its type and what its numbers stand for.
    pub residual: Option<(&'a Buffer, DType, Residual)>,
    /// The algorithm; else the one that the table says.
    pub algorithm: Option<QConv2dAlgorithm>,
}

/// The operands of a kernel, all in whole words of channels.
pub(super) struct Operands<'a> {
    pub x: &'a Buffer,
    pub constants: &'a Buffer,
    /// x where nothing is added.
    pub residual: &'a Buffer,
    pub y: &'a Buffer,
}

/// The numbers that every kernel takes.
pub(super) struct Numbers {
    pub input_words: u32,
    pub output_words: u32,
    pub padding_word: u32,
    pub flip: u32,
    pub y_zero: i32,
    /// Of the result, less its zero point.
    pub low: f32,
    pub high: f32,
    pub residual_zero: i32,
    pub residual_multiplier: f32,
}

impl QConv2dLaunch<'_> {
    /// Input and output channels of a group in whole words.
    pub(super) fn padded(&self) -> [usize; 2] {
        self.problem.group_channels().map(super::super::channels::padded)
    }

    pub(super) fn numbers(&self) -> Result<Numbers> {
        let [inputs, outputs] = self.padded();
        let Steps { zero_point: y_zero, low, high, .. } = self.op.y.unwrap_or(Steps::new(DType::I8, 0));
        let (residual_zero, residual_multiplier) = match self.residual {
            Some((_, _, residual)) => (residual.zero_point, residual.multiplier),
            None => (0, 0.0),
        };
        Ok(Numbers {
            input_words: to_u32(QConv2d::OP, inputs / 4)?,
            output_words: to_u32(QConv2d::OP, outputs / 4)?,
            padding_word: (self.op.x_zero.cast_unsigned() & 255) * 0x0101_0101,
            flip: if self.x_type == DType::U8 { 0x8080_8080 } else { 0 },
            y_zero,
            low: (low - y_zero) as f32,
            high: (high - y_zero) as f32,
            residual_zero,
            residual_multiplier,
        })
    }

    /// Writes into a kernel what all are compiled for.
    pub(super) fn specialise(&self, kernel: Specialisation) -> Specialisation {
        kernel
            .with_bool("ASYMMETRIC", self.is_asymmetric())
            .with_bool("SUMS", self.op.y.is_none())
            .with_bool("HAS_RESIDUAL", self.residual.is_some())
            .with_bool("RESIDUAL_SIGNED", self.residual.is_none_or(|(_, dtype, _)| dtype == DType::I8))
    }

    /// Whether the weight's zero points, as signed bytes, may be others than 0: those of u8 are 128 less.
    pub(super) fn is_asymmetric(&self) -> bool {
        self.weight_zero.is_some() || self.weight_type == DType::U8
    }
}

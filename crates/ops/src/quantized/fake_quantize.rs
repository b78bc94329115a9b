//! Quantisation that stays in f32, for training.

use super::linear::scaled_shape;
use crate::error::ShapeError;

/// Quantised and dequantised in one: y = (clamp(round(x / scale) + `zero_point`, low, high) − `zero_point`) · scale, half to even
/// (PyTorch's `fake_quantize_per_tensor_affine` and `fake_quantize_per_channel_affine`).
///
/// The gradient by x is that of y where the step is inside low..=high, and 0 elsewhere. The gradient by the scale is LSQ's (Esser et
/// al., arXiv 1902.08153): grad_y · `grad_factor` times what rounding changed, in steps, or the end that x was clamped to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FakeQuantize {
    /// Which axis has scales of its own; `None` where one is for all.
    pub axis: Option<usize>,
    /// The least number.
    pub low: i32,
    /// The largest number.
    pub high: i32,
    /// What the gradient by the scale is multiplied by: LSQ has 1 / √(numbers · high).
    pub grad_factor: f32,
}

impl FakeQuantize {
    /// The operation's name.
    pub const OP: &'static str = "fake_quantize";

    /// The largest magnitude of an end: sums of two such are exact in f32.
    pub const MOST: i32 = 1 << 22;

    /// Numbers of i8, one scale for the tensor.
    #[must_use]
    pub const fn i8() -> Self {
        Self { axis: None, low: -128, high: 127, grad_factor: 1.0 }
    }

    /// Weights as [`crate::Quantization`] has them: i8 without −128, one scale for each index of `axis`.
    #[must_use]
    pub const fn weight(axis: usize) -> Self {
        Self { axis: Some(axis), low: -127, high: 127, grad_factor: 1.0 }
    }

    /// The shape of the result: x's.
    ///
    /// # Errors
    /// [`ShapeError::Parameter`] for ends that are not in order or beyond [`Self::MOST`], and for a factor that is not finite;
    /// those of [`scaled_shape`].
    pub fn output_shape(
        &self,
        x: &[usize],
        scale: &[usize],
        zero_point: &[usize],
    ) -> Result<Vec<usize>, ShapeError> {
        let op = Self::OP;
        if self.low >= self.high || self.low < -Self::MOST || self.high > Self::MOST {
            let value = format!("{}..={}", self.low, self.high);
            let hint = "they must be in order, and at most 2^22 from 0";
            return Err(ShapeError::Parameter { op, parameter: "low and high", value, hint });
        }
        if !self.grad_factor.is_finite() {
            let (value, hint) = (self.grad_factor.to_string(), "it must be a finite number");
            return Err(ShapeError::Parameter { op, parameter: "grad_factor", value, hint });
        }
        scaled_shape(op, x, scale, zero_point, self.axis)
    }
}

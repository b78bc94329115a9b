//! Quantisation that stays in f32, for training.

use tilewright_ops::{FakeQuantize, Gradient, Op};

use crate::{error::Result, ops::results::results, tensor::Tensor};

impl Tensor {
    /// (clamp(round(x / `scale`) + `zero_point`) − `zero_point`) · `scale`: what [`Self::quantize`] and [`Self::dequantize`] do one after
    /// the other. The scale (f32) and the zero point (i32) have the shape `[]`, or one number for each index of the axis; a scale is to
    /// be positive. A NaN stays one.
    ///
    /// # Errors
    /// Those of [`FakeQuantize::output_shape`]; [`crate::Error::DType`].
    pub fn fake_quantize(&self, op: FakeQuantize, scale: &Self, zero_point: &Self) -> Result<Self> {
        Self::run_one(&Op::FakeQuantize(op), &[self, scale, zero_point])
    }

    /// The gradients of [`Self::fake_quantize`] by x and by the scale, the latter for each element: what belongs to one scale is to be
    /// summed.
    ///
    /// # Errors
    /// Those of [`Self::fake_quantize`].
    pub fn fake_quantize_backward(
        &self,
        op: FakeQuantize,
        scale: &Self,
        zero_point: &Self,
        grad_y: &Self,
    ) -> Result<(Self, Self)> {
        let op = Op::Gradient(Gradient::FakeQuantize { op, wants: [true; 2] });
        let [grad_x, grad_scale] = results(&op, Self::run(&op, &[self, scale, zero_point, grad_y])?)?;
        Ok((grad_x, grad_scale))
    }
}

//! Quantisation and its inverse, in operations of the vocabulary.

use tilewright_ops::{BinaryOp, DType, Quantization, UnaryOp};

use crate::{error::Error, error::Result, tensor::Tensor};

impl Tensor {
    /// clamp(round(x / scale) + zero_point) as i8 or u8, rounded half to even: ONNX's QuantizeLinear. What lies outside the
    /// type's range, infinity included, becomes its end. What NaN becomes is the device's: test for it before.
    ///
    /// # Errors
    /// Those of [`Quantization::check`]; [`Error::DType`] unless this is f32.
    pub fn quantize(&self, quantization: &Quantization, dtype: DType) -> Result<Self> {
        quantization.check(self.shape(), dtype)?;
        self.require_f32("quantize", "x")?;
        let (low, high) = Quantization::range(dtype).unwrap_or_default();
        let [scale, zero_point] = parameters(self, quantization)?;
        // Divided, not multiplied by an inverse: 12.65 at a scale of 0.1 is 127 only so.
        let steps = self.div(&scale)?.unary(UnaryOp::Round)?;
        // Clamped before the zero point is added, and in f32, so that nothing wraps.
        let clamp = |tensor: Self| tensor.unary(UnaryOp::Clamp { min: low as f32, max: high as f32 });
        let wide = UnaryOp::Clamp { min: -65536.0, max: 65536.0 };
        let whole = clamp(steps.unary(wide)?.add(&zero_point)?)?.cast(DType::I32)?.cast(dtype)?;
        whole.with_quantization(quantization.clone())
    }

    /// scale · (q − zero_point) in f32: ONNX's DequantizeLinear.
    ///
    /// # Errors
    /// [`Error::NotQuantized`].
    pub fn dequantize(&self) -> Result<Self> {
        let quantization = self.quantization().ok_or(Error::NotQuantized { op: "dequantize" })?;
        let [scale, zero_point] = parameters(self, quantization)?;
        let numbers = self.without_quantization().cast(DType::I32)?.cast(DType::F32)?;
        numbers.binary(BinaryOp::Sub, &zero_point)?.mul(&scale)
    }
}

/// Scale and zero point as tensors that broadcast to `x`.
fn parameters(x: &Tensor, quantization: &Quantization) -> Result<[Tensor; 2]> {
    let shape = quantization.broadcast_shape(x.shape());
    let zeros: Vec<f32> = quantization.zero_point().iter().map(|&zero| zero as f32).collect();
    Ok([
        Tensor::from_slice(x.context(), quantization.scale(), &shape)?,
        Tensor::from_slice(x.context(), &zeros, &shape)?,
    ])
}

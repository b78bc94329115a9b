//! From sums to the numbers of the next tensor.

use crate::{dtype::DType, elementwise::UnaryOp, error::ShapeError, quantization::Quantization};

/// How a sum becomes a number of the result: clamp(round(sum · multiplier) + zero point, low, high), in f32, rounded half to
/// even, as ONNX's QuantizeLinear does. A ReLU is a `low` at the zero point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Steps {
    /// The type of the result: i8 or u8.
    pub dtype: DType,
    /// The number that stands for 0.
    pub zero_point: i32,
    /// The least number.
    pub low: i32,
    /// The largest number.
    pub high: i32,
}

impl Steps {
    /// Fractional bits of the terms where several are added before they are rounded: a convolution's residual, the two
    /// addends of a sum. Each is rounded to so many bits first, so that no device can fuse a product with the sum.
    pub const FRACTION: u32 = 16;

    /// Steps beyond which such a term is cut off; no byte is so far from another.
    pub const REACH: f32 = 8192.0;

    /// The whole range of `dtype`, an i8 or u8.
    #[must_use]
    pub const fn new(dtype: DType, zero_point: i32) -> Self {
        let (low, high) = match Quantization::range(dtype) {
            Some(range) => range,
            None => (0, 0),
        };
        Self { dtype, zero_point, low, high }
    }

    /// The same with nothing below the zero point.
    #[must_use]
    pub const fn relu(self) -> Self {
        Self { low: self.zero_point, ..self }
    }

    /// The same clamped as `activation` clamps real numbers, of which a step is `scale`; `None` for what is more than a clamp.
    #[must_use]
    pub fn clamped(self, scale: f32, activation: Option<UnaryOp>) -> Option<Self> {
        let number = |value: f32| {
            let steps = (value / scale).round_ties_even().clamp(-65536.0, 65536.0) as i32;
            (steps + self.zero_point).clamp(self.low, self.high)
        };
        match activation {
            None => Some(self),
            Some(UnaryOp::Relu) => Some(self.relu()),
            Some(UnaryOp::Relu6) => Some(Self { high: number(6.0), ..self.relu() }),
            Some(UnaryOp::Clamp { min, max }) => Some(Self { low: number(min), high: number(max), ..self }),
            Some(_) => None,
        }
    }

    /// Fails unless these are numbers of a type of bytes.
    ///
    /// # Errors
    /// [`ShapeError::Parameter`].
    pub fn check(&self, op: &'static str) -> Result<(), ShapeError> {
        let wrong =
            |parameter, value: String, hint| Err(ShapeError::Parameter { op, parameter, value, hint });
        let Some((least, most)) = Quantization::range(self.dtype) else {
            return wrong("dtype", self.dtype.name().to_owned(), "quantised results are i8 or u8");
        };
        check_zero_point(op, "zero_point", self.zero_point, self.dtype)?;
        if self.low < least || self.high > most || self.low > self.high {
            let value = format!("{}..={}", self.low, self.high);
            return wrong("low and high", value, "they must be in order and numbers of the result's type");
        }
        Ok(())
    }
}

/// Fails unless `zero_point` is a number of `dtype`.
///
/// # Errors
/// [`ShapeError::Parameter`].
pub fn check_zero_point(
    op: &'static str,
    parameter: &'static str,
    zero_point: i32,
    dtype: DType,
) -> Result<(), ShapeError> {
    match Quantization::range(dtype) {
        Some((low, high)) if (low..=high).contains(&zero_point) => Ok(()),
        _ => {
            let (value, hint) = (zero_point.to_string(), "it must be a number of the element type, i8 or u8");
            Err(ShapeError::Parameter { op, parameter, value, hint })
        }
    }
}

/// Fails unless `multiplier` is a positive, finite number.
pub(crate) fn check_multiplier(op: &'static str, multiplier: f32) -> Result<(), ShapeError> {
    if multiplier.is_finite() && multiplier > 0.0 {
        return Ok(());
    }
    let (value, hint) = (multiplier.to_string(), "it must be a positive, finite number");
    Err(ShapeError::Parameter { op, parameter: "multiplier", value, hint })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_of_the_type_is_refused() {
        assert!(Steps::new(DType::I8, -128).check("qconv2d").is_ok());
        assert_eq!(Steps::new(DType::U8, 3).relu().low, 3);
        for wrong in [
            Steps::new(DType::F32, 0),
            Steps::new(DType::I8, 128),
            Steps { high: 256, ..Steps::new(DType::U8, 0) },
            Steps { low: 5, high: 4, ..Steps::new(DType::I8, 0) },
        ] {
            assert!(matches!(wrong.check("qconv2d"), Err(ShapeError::Parameter { .. })), "{wrong:?}");
        }
        for multiplier in [0.0, -1.0, f32::NAN, f32::INFINITY] {
            assert!(check_multiplier("qadd", multiplier).is_err());
        }
    }
}

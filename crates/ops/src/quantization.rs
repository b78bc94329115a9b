//! What the whole numbers of a quantised tensor stand for.

use crate::{dtype::DType, error::ShapeError};

/// Affine quantisation: the real number is scale · (q − zero_point), with one pair for the tensor or one for each index of
/// an axis (Jacob et al., arXiv 1712.05877; ONNX's QuantizeLinear).
#[derive(Debug, Clone, PartialEq)]
pub struct Quantization {
    scale: Vec<f32>,
    zero_point: Vec<i32>,
    axis: Option<usize>,
}

impl Quantization {
    const OP: &'static str = "quantization";

    /// One scale and zero point for the whole tensor.
    ///
    /// # Errors
    /// [`ShapeError::Parameter`] for a scale that is no positive, finite number.
    pub fn per_tensor(scale: f32, zero_point: i32) -> Result<Self, ShapeError> {
        Self::checked(vec![scale], vec![zero_point], None)
    }

    /// A scale and a zero point for each index of `axis`.
    ///
    /// # Errors
    /// As [`Self::per_tensor`]; [`ShapeError::Operand`] where there are not as many of both.
    pub fn per_channel(axis: usize, scale: Vec<f32>, zero_point: Vec<i32>) -> Result<Self, ShapeError> {
        Self::checked(scale, zero_point, Some(axis))
    }

    fn checked(scale: Vec<f32>, zero_point: Vec<i32>, axis: Option<usize>) -> Result<Self, ShapeError> {
        let op = Self::OP;
        if scale.len() != zero_point.len() {
            let (shape, expected) = (vec![zero_point.len()], vec![scale.len()]);
            return Err(ShapeError::Operand { op, operand: "zero_point", shape, expected });
        }
        if let Some(wrong) = scale.iter().find(|scale| !(scale.is_finite() && **scale > 0.0)) {
            let (value, hint) = (wrong.to_string(), "it must be a positive, finite number");
            return Err(ShapeError::Parameter { op, parameter: "scale", value, hint });
        }
        Ok(Self { scale, zero_point, axis })
    }

    /// The scales: one, or one for each index of the axis.
    #[must_use]
    pub fn scale(&self) -> &[f32] {
        &self.scale
    }

    /// The zero points, as many as scales.
    #[must_use]
    pub fn zero_point(&self) -> &[i32] {
        &self.zero_point
    }

    /// The axis that the scales belong to; `None` where one is for all.
    #[must_use]
    pub fn axis(&self) -> Option<usize> {
        self.axis
    }

    /// The same with the scales on another axis.
    #[must_use]
    pub fn on_axis(mut self, axis: Option<usize>) -> Self {
        self.axis = axis;
        self
    }

    /// The shape under which scales and zero points broadcast to a tensor of `shape`.
    #[must_use]
    pub fn broadcast_shape(&self, shape: &[usize]) -> Vec<usize> {
        match self.axis {
            None => Vec::new(),
            Some(axis) => {
                let extent = |at: usize| if at == axis { self.scale.len() } else { 1 };
                (0..shape.len()).map(extent).collect()
            }
        }
    }

    /// Fails unless a tensor of this shape and type can be quantised so.
    ///
    /// # Errors
    /// [`ShapeError::Axis`]; [`ShapeError::Operand`] for another number of scales than the axis has indices;
    /// [`ShapeError::Parameter`] for a type that is not i8 or u8, and for a zero point outside it.
    pub fn check(&self, shape: &[usize], dtype: DType) -> Result<(), ShapeError> {
        let op = Self::OP;
        let Some((low, high)) = Self::range(dtype) else {
            let (value, hint) = (dtype.name().to_owned(), "quantised elements are i8 or u8; use `quantize`");
            return Err(ShapeError::Parameter { op, parameter: "dtype", value, hint });
        };
        if let Some(axis) = self.axis {
            let Some(&extent) = shape.get(axis) else {
                let axis = isize::try_from(axis).unwrap_or(isize::MAX);
                return Err(ShapeError::Axis { op, axis, shape: shape.to_vec() });
            };
            if extent != self.scale.len() {
                let (shape, expected) = (vec![self.scale.len()], vec![extent]);
                return Err(ShapeError::Operand { op, operand: "scale", shape, expected });
            }
        }
        match self.zero_point.iter().find(|zero| !(low..=high).contains(*zero)) {
            None => Ok(()),
            Some(zero) => {
                let (value, hint) = (zero.to_string(), "it must be a number of the element type");
                Err(ShapeError::Parameter { op, parameter: "zero_point", value, hint })
            }
        }
    }

    /// The least and the largest number of a type of quantised elements.
    #[must_use]
    pub const fn range(dtype: DType) -> Option<(i32, i32)> {
        match dtype {
            DType::I8 => Some((-128, 127)),
            DType::U8 => Some((0, 255)),
            DType::F32 | DType::F16 | DType::I32 | DType::U32 => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_is_a_typed_error() {
        for scale in [0.0, -1.0, f32::NAN, f32::INFINITY] {
            let error = Quantization::per_tensor(scale, 0);
            assert!(matches!(error, Err(ShapeError::Parameter { parameter: "scale", .. })), "{scale}");
        }
        let lengths = Quantization::per_channel(0, vec![1.0, 2.0], vec![0]);
        assert!(matches!(lengths, Err(ShapeError::Operand { operand: "zero_point", .. })));
        let tensor = Quantization::per_tensor(0.5, 200).expect("a positive scale");
        assert!(tensor.check(&[2], DType::U8).is_ok());
        assert!(matches!(
            tensor.check(&[2], DType::I8),
            Err(ShapeError::Parameter { parameter: "zero_point", .. })
        ));
        assert!(matches!(
            tensor.check(&[2], DType::F32),
            Err(ShapeError::Parameter { parameter: "dtype", .. })
        ));
        let channels = Quantization::per_channel(1, vec![0.5; 3], vec![0; 3]).expect("as many of both");
        assert!(channels.check(&[2, 3], DType::I8).is_ok());
        assert!(matches!(channels.check(&[2, 4], DType::I8), Err(ShapeError::Operand { .. })));
        assert!(matches!(channels.check(&[2], DType::I8), Err(ShapeError::Axis { axis: 1, .. })));
        assert_eq!(channels.broadcast_shape(&[2, 3, 4]), [1, 3, 1]);
    }
}

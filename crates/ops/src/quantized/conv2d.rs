//! The convolution of whole numbers.

use super::steps::{Steps, check_multiplier};
use crate::{convolution::Conv2d, error::ShapeError};

/// Parameters of a convolution of bytes: the sums Σ (x − `x_zero`) · (w − `w_zero[o]`) + `bias[o]` over a window, and what
/// becomes of them. Padding is with the zero point, which stands for 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct QConv2d {
    /// Stride, padding, dilation, groups.
    pub conv: Conv2d,
    /// The number of x that stands for 0.
    pub x_zero: i32,
    /// How sums become bytes; without it they are the result, as i32.
    pub y: Option<Steps>,
}

/// What is added to the sums of a convolution before they are rounded: (r − zero point) · multiplier, in steps of the result.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Residual {
    /// The number of the residual that stands for 0.
    pub zero_point: i32,
    /// The residual's scale by the result's.
    pub multiplier: f32,
}

impl QConv2d {
    /// The operation's name.
    pub const OP: &'static str = "qconv2d";

    /// The shape N O OH OW of the result.
    ///
    /// # Errors
    /// Those of [`Conv2d::output_shape`]; [`ShapeError::Parameter`] for numbers that are outside their types.
    pub fn output_shape(
        &self,
        x: [usize; 4],
        weight: [usize; 4],
        residual: Option<Residual>,
    ) -> Result<[usize; 4], ShapeError> {
        let op = Self::OP;
        if let Some(steps) = self.y {
            steps.check(op)?;
        }
        if let Some(Residual { multiplier, .. }) = residual {
            check_multiplier(op, multiplier)?;
            if self.y.is_none() {
                let (value, hint) = ("None".to_owned(), "a residual needs steps to be rounded to");
                return Err(ShapeError::Parameter { op, parameter: "y", value, hint });
            }
        }
        self.conv.output_shape(x, weight)
    }
}

//! Elementwise operations: one operand ([`UnaryOp`]) or two with broadcasting ([`BinaryOp`]).

pub(crate) use crate::binary::broadcast;
use crate::error::ShapeError;
pub use crate::{binary::BinaryOp, binary::broadcast_shapes};

/// A function applied to each element. The shape does not change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum UnaryOp {
    /// max(x, 0). The derivative at 0 is 0.
    Relu,
    /// min(max(x, 0), 6). The derivative at 0 and at 6 is 0.
    Relu6,
    /// x where x > 0, else slope · x.
    LeakyRelu {
        /// Slope of the negative side.
        slope: f32,
    },
    /// 1 / (1 + e⁻ˣ).
    Sigmoid,
    /// Hyperbolic tangent.
    Tanh,
    /// x · sigmoid(x), also called swish (Elfwing et al., arXiv 1702.03118).
    Silu,
    /// x · Φ(x) with the exact normal distribution function, by erf (Hendrycks and Gimpel, arXiv 1606.08415).
    Gelu,
    /// The tanh approximation of gelu: x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³))).
    GeluTanh,
    /// -x.
    Neg,
    /// |x|. The derivative at 0 is 0.
    Abs,
    /// eˣ.
    Exp,
    /// Natural logarithm.
    Log,
    /// Square root.
    Sqrt,
    /// 1 / √x.
    Rsqrt,
    /// x².
    Square,
    /// 1 / x.
    Reciprocal,
    /// min(max(x, min), max). The derivative is 1 from min to max, both included, and 0 outside.
    Clamp {
        /// Lower bound.
        min: f32,
        /// Upper bound.
        max: f32,
    },
    /// x + value.
    AddScalar {
        /// The addend.
        value: f32,
    },
    /// x · value.
    MulScalar {
        /// The factor.
        value: f32,
    },
    /// min(max(slope · x + offset, 0), 1). The derivative at the kinks is 0.
    HardSigmoid {
        /// Slope of the middle, ONNX's alpha: 1/6 in PyTorch, 0.2 by default in ONNX.
        slope: f32,
        /// Value at 0, ONNX's beta.
        offset: f32,
    },
    /// x · min(max(x/6 + 1/2, 0), 1) (Howard et al., arXiv 1905.02244). The derivative at −3 is 0, at 3 it is 1.
    HardSwish,
    /// x where x > 0, else alpha · (eˣ − 1) (Clevert et al., arXiv 1511.07289).
    Elu {
        /// The negative limit is −alpha.
        alpha: f32,
    },
    /// gamma · elu(x) (Klambauer et al., arXiv 1706.02515).
    Selu {
        /// 1.6732632 for self-normalisation.
        alpha: f32,
        /// 1.0507010 for self-normalisation.
        gamma: f32,
    },
    /// x where x > 0, else alpha · (e^(x/alpha) − 1) (Barron, arXiv 1704.07483).
    Celu {
        /// The negative limit is −alpha.
        alpha: f32,
    },
    /// log(1 + eˣ).
    Softplus,
    /// x / (1 + |x|).
    Softsign,
    /// x where x > threshold, else 0.
    ThresholdedRelu {
        /// Below and at it, the result is 0.
        threshold: f32,
    },
    /// x − bias where x > lambda, x + bias where x < −lambda, else 0; of a NaN NaN.
    Shrink {
        /// What is taken off the magnitude.
        bias: f32,
        /// Half the width of the middle.
        lambda: f32,
    },
    /// x · tanh(softplus(x)) (Misra, arXiv 1908.08681).
    Mish,
    /// The largest integer not above x. The derivative is 0, as of the next three.
    Floor,
    /// The smallest integer not below x.
    Ceil,
    /// The nearest integer, halves to the even one.
    Round,
    /// −1, 0 or 1; of a NaN NaN, where torch.sign gives 0.
    Sign,
    /// The error function.
    Erf,
    /// Sine, of arguments up to 10⁴.
    Sin,
    /// Cosine, of arguments up to 10⁴.
    Cos,
    /// Tangent, of arguments up to 10⁴.
    Tan,
    /// Arcsine.
    Asin,
    /// Arccosine.
    Acos,
    /// Arctangent.
    Atan,
    /// Hyperbolic sine.
    Sinh,
    /// Hyperbolic cosine.
    Cosh,
    /// Inverse hyperbolic sine.
    Asinh,
    /// Inverse hyperbolic cosine.
    Acosh,
    /// Inverse hyperbolic tangent.
    Atanh,
}

impl UnaryOp {
    /// One of each, with ordinary parameters: for tables and for tests that must not miss one.
    pub const ALL: [Self; 45] = [
        Self::Relu,
        Self::Relu6,
        Self::LeakyRelu { slope: 0.01 },
        Self::Sigmoid,
        Self::Tanh,
        Self::Silu,
        Self::Gelu,
        Self::GeluTanh,
        Self::Neg,
        Self::Abs,
        Self::Exp,
        Self::Log,
        Self::Sqrt,
        Self::Rsqrt,
        Self::Square,
        Self::Reciprocal,
        Self::Clamp { min: -0.5, max: 0.75 },
        Self::AddScalar { value: 1.5 },
        Self::MulScalar { value: -0.25 },
        Self::HardSigmoid { slope: 0.2, offset: 0.5 },
        Self::HardSwish,
        Self::Elu { alpha: 1.5 },
        Self::Selu { alpha: 1.673_263_2, gamma: 1.050_701 },
        Self::Celu { alpha: 2.0 },
        Self::Softplus,
        Self::Softsign,
        Self::ThresholdedRelu { threshold: 1.0 },
        Self::Shrink { bias: 0.25, lambda: 0.5 },
        Self::Mish,
        Self::Floor,
        Self::Ceil,
        Self::Round,
        Self::Sign,
        Self::Erf,
        Self::Sin,
        Self::Cos,
        Self::Tan,
        Self::Asin,
        Self::Acos,
        Self::Atan,
        Self::Sinh,
        Self::Cosh,
        Self::Asinh,
        Self::Acosh,
        Self::Atanh,
    ];

    /// Whether it is defined on i32, where what leaves the 32 bits wraps: |−2³¹| is −2³¹.
    #[must_use]
    pub const fn takes_integers(self) -> bool {
        matches!(self, Self::Neg | Self::Abs | Self::Sign | Self::Relu)
    }

    /// The stem used in file names, slots and tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Relu => "relu",
            Self::Relu6 => "relu6",
            Self::LeakyRelu { .. } => "leaky_relu",
            Self::Sigmoid => "sigmoid",
            Self::Tanh => "tanh",
            Self::Silu => "silu",
            Self::Gelu => "gelu",
            Self::GeluTanh => "gelu_tanh",
            Self::Neg => "neg",
            Self::Abs => "abs",
            Self::Exp => "exp",
            Self::Log => "log",
            Self::Sqrt => "sqrt",
            Self::Rsqrt => "rsqrt",
            Self::Square => "square",
            Self::Reciprocal => "reciprocal",
            Self::Clamp { .. } => "clamp",
            Self::AddScalar { .. } => "add_scalar",
            Self::MulScalar { .. } => "mul_scalar",
            Self::HardSigmoid { .. } => "hard_sigmoid",
            Self::HardSwish => "hard_swish",
            Self::Elu { .. } => "elu",
            Self::Selu { .. } => "selu",
            Self::Celu { .. } => "celu",
            Self::Softplus => "softplus",
            Self::Softsign => "softsign",
            Self::ThresholdedRelu { .. } => "thresholded_relu",
            Self::Shrink { .. } => "shrink",
            Self::Mish => "mish",
            Self::Floor => "floor",
            Self::Ceil => "ceil",
            Self::Round => "round",
            Self::Sign => "sign",
            Self::Erf => "erf",
            Self::Sin => "sin",
            Self::Cos => "cos",
            Self::Tan => "tan",
            Self::Asin => "asin",
            Self::Acos => "acos",
            Self::Atan => "atan",
            Self::Sinh => "sinh",
            Self::Cosh => "cosh",
            Self::Asinh => "asinh",
            Self::Acosh => "acosh",
            Self::Atanh => "atanh",
        }
    }

    /// The parameters in the order of the fields, zero where there are fewer than two. A kernel takes them at run time,
    /// so that another slope does not compile another pipeline.
    #[must_use]
    pub const fn parameters(self) -> [f32; 2] {
        match self {
            Self::LeakyRelu { slope } => [slope, 0.0],
            Self::Clamp { min, max } => [min, max],
            Self::AddScalar { value } | Self::MulScalar { value } => [value, 0.0],
            Self::HardSigmoid { slope, offset } => [slope, offset],
            Self::Elu { alpha } | Self::Celu { alpha } => [alpha, 0.0],
            Self::Selu { alpha, gamma } => [alpha, gamma],
            Self::ThresholdedRelu { threshold } => [threshold, 0.0],
            Self::Shrink { bias, lambda } => [bias, lambda],
            _ => [0.0, 0.0],
        }
    }

    /// Whether a slope of 0 means that the element is not passed on: then the gradient is 0 there, be the one that comes in
    /// infinite. Elsewhere it is a product, as in PyTorch.
    #[must_use]
    pub const fn masks(self) -> bool {
        matches!(
            self,
            Self::Relu
                | Self::Relu6
                | Self::Clamp { .. }
                | Self::HardSigmoid { .. }
                | Self::HardSwish
                | Self::ThresholdedRelu { .. }
                | Self::Shrink { .. }
                | Self::Floor
                | Self::Ceil
                | Self::Round
                | Self::Sign
        )
    }

    /// Checks the parameters.
    ///
    /// # Errors
    /// [`ShapeError::Parameter`] where a clamp's lower bound is above its upper bound or either is NaN.
    pub fn check(self) -> Result<(), ShapeError> {
        match self {
            // Written so that a NaN bound fails too.
            Self::Clamp { min, max } if !matches!(min.partial_cmp(&max), Some(order) if order.is_le()) => {
                Err(ShapeError::Parameter {
                    op: "clamp",
                    parameter: "min, max",
                    value: format!("{min}, {max}"),
                    hint: "min must be a number not above max",
                })
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> =
            UnaryOp::ALL.iter().map(|op| op.name()).chain(BinaryOp::ALL.iter().map(|op| op.name())).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn parameters_are_the_fields() {
        assert_eq!(UnaryOp::Clamp { min: -1.0, max: 2.0 }.parameters(), [-1.0, 2.0]);
        assert_eq!(UnaryOp::LeakyRelu { slope: 0.2 }.parameters(), [0.2, 0.0]);
        assert_eq!(UnaryOp::Relu.parameters(), [0.0, 0.0]);
    }

    #[test]
    fn a_clamp_with_crossed_or_nan_bounds_is_an_error() {
        assert!(UnaryOp::Clamp { min: 0.0, max: 0.0 }.check().is_ok());
        assert!(UnaryOp::Clamp { min: 1.0, max: 0.0 }.check().is_err());
        assert!(UnaryOp::Clamp { min: f32::NAN, max: 0.0 }.check().is_err());
    }
}

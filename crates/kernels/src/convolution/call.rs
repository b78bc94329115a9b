//! What a forward pass is told.

use tilewright_ops::{Pooling, UnaryOp};
use tilewright_runtime::Buffer;

use super::{algorithm::Conv2dAlgorithm, problem::Problem, weight::Weight};
use crate::base::epilogue::{Epilogue, Windows, bound_residual, parameters};

/// A forward pass: pooling(activation(x ⋆ weight + bias + residual)), of which all but the convolution may be absent.
///
/// [`Self::new`] is the plain convolution; what is more is set on it:
/// `Conv2dLaunch { bias: Some(bias), ..Conv2dLaunch::new(&problem, x, weight) }`.
#[derive(Clone, Copy, Debug)]
pub struct Conv2dLaunch<'a> {
    /// Shapes, stride, padding, dilation, groups, type.
    pub problem: Problem,
    /// N H W C in memory.
    pub x: &'a Buffer,
    /// As it lies, or packed.
    pub weight: Weight<'a>,
    /// O entries.
    pub bias: Option<&'a Buffer>,
    /// Of the convolution's shape N OH OW O, added before the activation.
    pub residual: Option<&'a Buffer>,
    /// The result may lie where the residual lies, which is lost: nobody reads it again.
    pub over_residual: bool,
    /// What the sums go through.
    pub activation: Option<UnaryOp>,
    /// What the activated sums are pooled by, in the same kernel.
    pub pooling: Option<Pooling>,
    /// The algorithm; else the one that the weight was packed for, or the one that is chosen.
    pub algorithm: Option<Conv2dAlgorithm>,
}

impl<'a> Conv2dLaunch<'a> {
    /// The convolution alone, by the algorithm that is chosen.
    pub fn new(problem: &Problem, x: &'a Buffer, weight: impl Into<Weight<'a>>) -> Self {
        Self {
            problem: *problem,
            x,
            weight: weight.into(),
            bias: None,
            residual: None,
            over_residual: false,
            activation: None,
            pooling: None,
            algorithm: None,
        }
    }

    /// The windows that are stored in place of their pixels.
    pub(super) fn windows(&self) -> Option<Windows> {
        self.pooling.as_ref().and_then(|pooling| Windows::new(pooling, self.problem.y_shape))
    }

    /// What the sum over a window is divided by.
    pub(super) fn divisor(&self) -> f32 {
        self.pooling.as_ref().map_or(1.0, |pooling| pooling.divisor() as f32)
    }

    /// The epilogue of the kernel that stores `y`.
    pub(super) fn epilogue(&self, y: &Buffer) -> Epilogue {
        Epilogue::new(self.bias, self.residual, y, self.activation).pooled(self.windows())
    }

    /// p0 and p1 of the activation.
    pub(super) fn parameters(&self) -> [f32; 2] {
        parameters(self.activation)
    }

    /// What is bound as bias and as residual of a kernel that stores `y`, where `unused` is only read.
    pub(super) fn addends<'b>(&'b self, y: &Buffer, unused: &'b Buffer) -> [&'b Buffer; 2] {
        [self.bias.unwrap_or(unused), bound_residual(self.residual, y, unused)]
    }
}

/// Where the result of a [`Conv2dLaunch`] goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// What runs it, chosen unless the call names one.
    pub algorithm: Conv2dAlgorithm,
    /// The call's pooling, if the convolution's last kernel does it; else it is left to a kernel of its own.
    pub pooling: Option<Pooling>,
    /// The result goes where the residual lies.
    pub over_residual: bool,
    /// N C H W of the result.
    pub shape: [usize; 4],
}

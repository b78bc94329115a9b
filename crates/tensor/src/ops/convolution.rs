//! Convolutions and their gradients.

use tilewright_kernels::convolution::Conv2dAlgorithm;
use tilewright_ops::{Conv2d, Gradient, Op, Pooling, ShapeError, UnaryOp};

use crate::{epilogue::Epilogue, error::Result, hints::Hints, tensor::Tensor};

/// A convolution with all that may be done in its kernel.
///
/// ```
/// use tilewright_ops::{Conv2d, UnaryOp};
/// use tilewright_tensor::Conv2dCall;
///
/// let op = Conv2d { padding: [1, 1], ..Conv2d::default() };
/// let call = Conv2dCall { activation: Some(UnaryOp::Relu), ..Conv2dCall::new(op) };
/// assert!(call.bias.is_none() && call.algorithm.is_none());
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Conv2dCall<'a> {
    /// Stride, padding, dilation, groups.
    pub op: Conv2d,
    /// One number for each output channel; f32.
    pub bias: Option<&'a Tensor>,
    /// Added before the activation: of the convolution's shape, and of the input's type.
    pub residual: Option<&'a Tensor>,
    /// Of the sum.
    pub activation: Option<UnaryOp>,
    /// Of the activation: in one kernel where the algorithm can (`kernels::select::conv2d_pooled` says), else in two.
    /// Values of f16 are pooled in f32.
    pub pool: Option<Pooling>,
    /// By this algorithm, or by the table of `kernels::select`.
    pub algorithm: Option<Conv2dAlgorithm>,
    /// By no algorithm that mixes pixels before it multiplies, so that an infinity reaches what sees it alone:
    /// [`Hints::exact`].
    pub exact: bool,
    /// Whether the result may lie where the residual lies, which is lost: [`Hints::over_residual`].
    pub over_residual: bool,
}

impl Conv2dCall<'_> {
    /// The plain convolution.
    #[must_use]
    pub fn new(op: Conv2d) -> Self {
        Self { op, ..Self::default() }
    }
}

impl<'a> Conv2dCall<'a> {
    /// The same with an epilogue.
    #[must_use]
    pub fn with_epilogue(self, epilogue: Epilogue<'a>) -> Self {
        let Epilogue { bias, residual, activation } = epilogue;
        Self { bias, residual, activation, ..self }
    }
}

impl Tensor {
    /// The convolution of N C H W with a weight O C/groups KH KW and a bias of O entries. The result lies
    /// channels-last.
    ///
    /// # Errors
    /// Those of [`Conv2d::output_shape`].
    pub fn conv2d(&self, weight: &Self, bias: Option<&Self>, op: &Conv2d) -> Result<Self> {
        self.conv2d_with(weight, &Conv2dCall { bias, ..Conv2dCall::new(*op) })
    }

    /// `pool(activation(conv2d(self, weight) + bias + residual))`, as far as the call has them, in one kernel where that
    /// can be.
    ///
    /// Input and weight are f32, or both f16: then sums are f32, result and residual f16, and the bias f32 all the same.
    ///
    /// # Errors
    /// Those of [`Conv2d::output_shape`] and [`Pooling::output_shape`]; [`tilewright_runtime::Error::Unsupported`] if the
    /// algorithm cannot run this shape on this device.
    pub fn conv2d_with(&self, weight: &Self, call: &Conv2dCall<'_>) -> Result<Self> {
        let Conv2dCall { op, bias, residual, activation, pool, algorithm, exact, over_residual } = *call;
        let inputs: Vec<_> = [self, weight].into_iter().chain(bias).chain(residual).collect();
        let op = Op::Conv2d { op, bias: bias.is_some(), residual: residual.is_some(), activation, pool };
        let hints = Hints { conv2d: algorithm, exact, over_residual, ..Hints::default() };
        Self::run_one_with(&op, &inputs, &hints)
    }

    /// The gradient of [`Self::conv2d`] by its input, of shape `x_shape`, channels-last.
    pub fn conv2d_backward_input(
        grad_y: &Self,
        weight: &Self,
        x_shape: &[usize],
        op: &Conv2d,
        algorithm: Option<Conv2dAlgorithm>,
    ) -> Result<Self> {
        let x_shape = four("conv2d_backward_input", "x", x_shape)?;
        let gradient = Op::Gradient(Gradient::Conv2dInput { op: *op, x_shape });
        let hints = Hints { conv2d: algorithm, ..Hints::default() };
        Self::run_one_with(&gradient, &[grad_y, weight], &hints)
    }

    /// The gradient of [`Self::conv2d`] by its weight, of shape `weight_shape`, row-major.
    pub fn conv2d_backward_weight(
        grad_y: &Self,
        x: &Self,
        weight_shape: &[usize],
        op: &Conv2d,
        algorithm: Option<Conv2dAlgorithm>,
    ) -> Result<Self> {
        let weight_shape = four("conv2d_backward_weight", "weight", weight_shape)?;
        let gradient = Op::Gradient(Gradient::Conv2dWeight { op: *op, weight_shape });
        let hints = Hints { conv2d: algorithm, ..Hints::default() };
        Self::run_one_with(&gradient, &[grad_y, x], &hints)
    }

    /// The gradient of [`Self::conv2d`] by its bias: N O OH OW summed to O.
    pub fn conv2d_backward_bias(grad_y: &Self) -> Result<Self> {
        Self::run_one(&Op::Gradient(Gradient::Conv2dBias), &[grad_y])
    }

    /// The windows of N C H W as columns, N C·KH·KW OH·OW: PyTorch's `unfold`. (The groups of `op` play no part.)
    ///
    /// # Errors
    /// A shape error if no window fits, [`tilewright_runtime::Error::Limit`] if the device cannot bind the columns.
    pub fn im2col(&self, op: &Conv2d, kernel: [usize; 2]) -> Result<Self> {
        Self::run_one(&Op::Im2col { op: *op, kernel }, &[self])
    }

    /// Adds every column of N C·KH·KW OH·OW to the window it came from: PyTorch's `fold`, and the gradient of
    /// [`Self::im2col`] for an input of `x_shape`.
    pub fn col2im(&self, op: &Conv2d, kernel: [usize; 2], x_shape: &[usize]) -> Result<Self> {
        let x_shape = four("col2im", "x", x_shape)?;
        Self::run_one(&Op::Gradient(Gradient::Im2col { op: *op, kernel, x_shape }), &[self])
    }
}

fn four(op: &'static str, operand: &'static str, shape: &[usize]) -> Result<[usize; 4]> {
    shape
        .try_into()
        .map_err(|_| ShapeError::Rank { op, operand, shape: shape.to_vec(), expected: "four" }.into())
}

//! What every convolution is told: shapes and parameters, and the direction.

use tilewright_ops::{Conv2d, DType, ShapeError};

/// The numbers of a convolution; activations lie channels-last, the weight O I KH KW row-major.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Problem {
    /// Stride, padding, dilation, groups.
    pub op: Conv2d,
    /// N C H W.
    pub x_shape: [usize; 4],
    /// O C/groups KH KW.
    pub w_shape: [usize; 4],
    /// N O OH OW.
    pub y_shape: [usize; 4],
    /// The type of x, weight, residual and y: f32, or for a forward pass f16. Bias and sums are f32.
    pub dtype: DType,
}

impl Problem {
    /// # Errors
    /// Those of [`Conv2d::output_shape`].
    pub fn new(op: &Conv2d, x_shape: [usize; 4], w_shape: [usize; 4]) -> Result<Self, ShapeError> {
        let y_shape = op.output_shape(x_shape, w_shape)?;
        Ok(Self { op: *op, x_shape, w_shape, y_shape, dtype: DType::F32 })
    }

    /// The same for elements of `dtype`.
    pub fn with_dtype(self, dtype: DType) -> Self {
        Self { dtype, ..self }
    }

    /// 2 · elements of y · C/groups · KH · KW; each of the three passes takes as many.
    pub fn flops(&self) -> u64 {
        self.y_shape.iter().chain(&self.w_shape[1..]).fold(2, |product, &extent| product * extent as u64)
    }

    /// Elements of x.
    pub(super) fn x_count(&self) -> usize {
        self.x_shape.iter().product()
    }

    /// Elements of the weight.
    pub(super) fn w_count(&self) -> usize {
        self.w_shape.iter().product()
    }

    /// Elements of y.
    pub(super) fn y_count(&self) -> usize {
        self.y_shape.iter().product()
    }

    /// Whether an operand or the result has no elements.
    pub(super) fn is_empty(&self) -> bool {
        self.x_count() == 0 || self.w_count() == 0 || self.y_count() == 0
    }

    /// Pixels of y in the whole batch.
    pub(super) fn y_pixels(&self) -> usize {
        let [n, _, h, w] = self.y_shape;
        n * h * w
    }

    /// Terms of the sum for one element of y.
    pub(crate) fn terms(&self) -> usize {
        self.w_shape[1..].iter().product()
    }

    /// Bytes of the matrix that `im2col` makes; a 1 × 1 convolution that takes every pixel needs none.
    pub fn patches_bytes(&self) -> u64 {
        if self.is_pointwise() { 0 } else { (self.y_pixels() * self.terms() * self.op.groups) as u64 * 4 }
    }

    /// A product of pixels by weights as they lie.
    pub(super) fn is_pointwise(&self) -> bool {
        let Conv2d { stride, padding, groups, .. } = self.op;
        self.w_shape[2..] == [1, 1] && stride == [1, 1] && padding == [0, 0] && groups == 1
    }

    /// Whether every window is one pixel of x, and no two windows are the same one.
    pub(super) fn is_single_tap(&self) -> bool {
        self.w_shape[2..] == [1, 1] && self.op.padding == [0, 0] && self.op.groups == 1
    }

    /// Input and output channels of one group.
    pub(crate) fn group_channels(&self) -> [usize; 2] {
        [self.w_shape[1], self.w_shape[0] / self.op.groups]
    }

    /// One filter to a channel.
    pub(crate) fn is_depthwise(&self) -> bool {
        self.op.groups == self.x_shape[1] && self.w_shape[1] == 1 && self.w_shape[0] == self.x_shape[1]
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { op: Conv2d { stride, padding, dilation, groups }, x_shape, w_shape, dtype, .. } = *self;
        write!(f, "x {x_shape:?}, weight {w_shape:?}, stride {stride:?}, padding {padding:?}, ")?;
        write!(f, "dilation {dilation:?}, groups {groups}, {dtype}")
    }
}

/// Which of the three convolutions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pass {
    /// y from x and the weight.
    Forward,
    /// The gradient of x from that of y and the weight.
    BackwardInput,
    /// The gradient of the weight from that of y and x.
    BackwardWeight,
}

impl Pass {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Forward, Self::BackwardInput, Self::BackwardWeight];

    /// The operation's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Forward => "conv2d",
            Self::BackwardInput => "conv2d_backward_input",
            Self::BackwardWeight => "conv2d_backward_weight",
        }
    }
}

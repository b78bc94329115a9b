//! Convolutions and their gradients.

use tilewright_kernels::convolution::{self, Conv2dAlgorithm, Conv2dCall, Problem};
use tilewright_ops::{Conv2d, DType, Op, Pooling, ShapeError, UnaryOp, element_count};

use crate::{Epilogue, Layout, Result, Tensor, trace};

impl Tensor {
    /// The convolution of N C H W with a weight O C/groups KH KW and a bias of O entries. The result lies
    /// channels-last.
    ///
    /// # Errors
    /// Those of [`Conv2d::output_shape`].
    pub fn conv2d(&self, weight: &Self, bias: Option<&Self>, op: &Conv2d) -> Result<Self> {
        self.conv2d_with(weight, bias, op, None, None)
    }

    /// `activation(conv2d(self, weight) + bias)` in one kernel, by the algorithm named, or by the table of
    /// `kernels::select` if none is.
    ///
    /// # Errors
    /// As [`Self::conv2d_fused`].
    pub fn conv2d_with(
        &self,
        weight: &Self,
        bias: Option<&Self>,
        op: &Conv2d,
        activation: Option<UnaryOp>,
        algorithm: Option<Conv2dAlgorithm>,
    ) -> Result<Self> {
        self.conv2d_fused(weight, op, &Epilogue { bias, residual: None, activation }, algorithm)
    }

    /// `activation(conv2d(self, weight) + bias + residual)` in one kernel, by the algorithm named, or by the table of
    /// `kernels::select` if none is. The residual has the result's shape.
    ///
    /// Input and weight are f32, or both f16: then sums are f32, result and residual f16, and the bias f32 all the same.
    ///
    /// # Errors
    /// [`tilewright_runtime::Error::Unsupported`] if the algorithm cannot run this shape on this device.
    pub fn conv2d_fused(
        &self,
        weight: &Self,
        op: &Conv2d,
        epilogue: &Epilogue<'_>,
        algorithm: Option<Conv2dAlgorithm>,
    ) -> Result<Self> {
        self.conv2d_placed(weight, op, epilogue, None, algorithm, false)
    }

    /// The pooling of [`Self::conv2d_fused`]'s result, whose shape the residual has: in one kernel where the algorithm can
    /// (`kernels::select::conv2d_pooled` says), else in two. Values of f16 are pooled in f32.
    ///
    /// # Errors
    /// As [`Self::conv2d_fused`], and those of [`Pooling::output_shape`].
    pub fn conv2d_pooled(
        &self,
        weight: &Self,
        op: &Conv2d,
        epilogue: &Epilogue<'_>,
        pooling: &Pooling,
        algorithm: Option<Conv2dAlgorithm>,
    ) -> Result<Self> {
        self.conv2d_placed(weight, op, epilogue, Some(pooling), algorithm, false)
    }

    /// As [`Self::conv2d_fused`], with the result where the residual lies, which is lost: for a caller that knows that
    /// nobody reads it again. A residual that is no channels-last tensor of its own memory is left alone.
    ///
    /// # Errors
    /// As [`Self::conv2d_fused`].
    pub fn conv2d_over_residual(
        &self,
        weight: &Self,
        op: &Conv2d,
        epilogue: &Epilogue<'_>,
        algorithm: Option<Conv2dAlgorithm>,
    ) -> Result<Self> {
        self.conv2d_placed(weight, op, epilogue, None, algorithm, true)
    }

    fn conv2d_placed(
        &self,
        weight: &Self,
        op: &Conv2d,
        epilogue: &Epilogue<'_>,
        pooling: Option<&Pooling>,
        algorithm: Option<Conv2dAlgorithm>,
        over_residual: bool,
    ) -> Result<Self> {
        let dtype = self.require_product_type("conv2d", "x", weight, "weight")?;
        self.require_same_context("conv2d", weight)?;
        let problem = Problem::new(op, self.shape4("conv2d", "x")?, weight.shape4("conv2d", "weight")?)?;
        let problem = problem.with_dtype(dtype);
        self.check_epilogue("conv2d", problem.y_shape[1], (&problem.y_shape, dtype), epilogue)?;
        pooling.map(|pooling| pooling.output_shape(problem.y_shape)).transpose()?;
        let operands: Vec<_> =
            [self, weight].into_iter().chain(epilogue.bias).chain(epilogue.residual).collect();
        let traced = || Op::Conv2d {
            op: *op,
            bias: epilogue.bias.is_some(),
            residual: epilogue.residual.is_some(),
            activation: epilogue.activation,
            pool: pooling.copied(),
        };
        if let Some(y) = trace::step(traced, &operands) {
            return y;
        }
        if algorithm.is_none() && self.widens(dtype) {
            let wide = epilogue.widened()?;
            let weight = weight.cast(DType::F32)?;
            let (x, epilogue) = (self.cast(DType::F32)?, wide.epilogue());
            let y = x.conv2d_placed(&weight, op, &epilogue, pooling, None, over_residual)?;
            return y.cast(DType::F16);
        }
        let x = self.to_layout(Layout::ChannelsLast)?;
        let weight = weight.to_layout(Layout::RowMajor)?;
        let residual = match epilogue.residual {
            Some(residual) => Some(residual.to_layout(Layout::ChannelsLast)?),
            None => None,
        };
        let call = Conv2dCall {
            bias: epilogue.bias.map(Self::buffer),
            residual: residual.as_ref().map(Self::buffer),
            over_residual,
            activation: epilogue.activation,
            pooling: pooling.copied(),
            algorithm,
            ..Conv2dCall::new(&problem, x.buffer(), weight.buffer())
        };
        let to = convolution::placement(self.context(), &call)?;
        let y = match &residual {
            Some(residual) if to.over_residual => residual.clone(),
            _ => Self::empty(self.context(), &to.shape, dtype, Layout::ChannelsLast)?,
        };
        let call = Conv2dCall { pooling: to.pooling, algorithm: Some(to.algorithm), ..call };
        convolution::forward(self.context(), &call, y.buffer())?;
        match pooling {
            Some(pooling) if to.pooling.is_none() => y.cast(DType::F32)?.pool2d(pooling)?.cast(dtype),
            _ => Ok(y),
        }
    }

    /// The gradient of [`Self::conv2d`] by its input, of shape `x_shape`, channels-last.
    pub fn conv2d_backward_input(
        grad_y: &Self,
        weight: &Self,
        x_shape: &[usize],
        op: &Conv2d,
        algorithm: Option<Conv2dAlgorithm>,
    ) -> Result<Self> {
        let name = "conv2d_backward_input";
        weight.require_f32(name, "weight")?;
        grad_y.require_same_context(name, weight)?;
        let problem = Problem::new(op, four(name, "x", x_shape)?, weight.shape4(name, "weight")?)?;
        grad_y.require_gradient(name, &problem.y_shape)?;
        let grad_y = grad_y.to_layout(Layout::ChannelsLast)?;
        let weight = weight.to_layout(Layout::RowMajor)?;
        let context = grad_y.context();
        let grad_x = Self::empty(context, x_shape, DType::F32, Layout::ChannelsLast)?;
        let (weight, y) = (weight.buffer(), grad_y.buffer());
        convolution::backward_input(context, &problem, y, weight, grad_x.buffer(), algorithm)?;
        Ok(grad_x)
    }

    /// The gradient of [`Self::conv2d`] by its weight, of shape `weight_shape`, row-major.
    pub fn conv2d_backward_weight(
        grad_y: &Self,
        x: &Self,
        weight_shape: &[usize],
        op: &Conv2d,
        algorithm: Option<Conv2dAlgorithm>,
    ) -> Result<Self> {
        let name = "conv2d_backward_weight";
        x.require_f32(name, "x")?;
        grad_y.require_same_context(name, x)?;
        let problem = Problem::new(op, x.shape4(name, "x")?, four(name, "weight", weight_shape)?)?;
        grad_y.require_gradient(name, &problem.y_shape)?;
        let grad_y = grad_y.to_layout(Layout::ChannelsLast)?;
        let x = x.to_layout(Layout::ChannelsLast)?;
        let context = grad_y.context();
        let grad_weight = Self::empty(context, weight_shape, DType::F32, Layout::RowMajor)?;
        let (x, y) = (x.buffer(), grad_y.buffer());
        convolution::backward_weight(context, &problem, y, x, grad_weight.buffer(), algorithm)?;
        Ok(grad_weight)
    }

    /// The gradient of [`Self::conv2d`] by its bias: N O OH OW summed to O.
    pub fn conv2d_backward_bias(grad_y: &Self) -> Result<Self> {
        let name = "conv2d_backward_bias";
        grad_y.require_f32(name, "grad_y")?;
        let [n, outputs, h, w] = grad_y.shape4(name, "grad_y")?;
        let grad_y = grad_y.to_layout(Layout::ChannelsLast)?;
        let grad_bias = Self::empty(grad_y.context(), &[outputs], DType::F32, Layout::RowMajor)?;
        let buffer = grad_y.buffer();
        convolution::backward_bias(grad_y.context(), buffer, n * h * w, outputs, grad_bias.buffer())?;
        Ok(grad_bias)
    }

    /// The windows of N C H W as columns, N C·KH·KW OH·OW: PyTorch's `unfold`. (The groups of `op` play no part.)
    ///
    /// # Errors
    /// A shape error if no window fits, [`tilewright_runtime::Error::Limit`] if the device cannot bind the columns.
    pub fn im2col(&self, op: &Conv2d, kernel: [usize; 2]) -> Result<Self> {
        self.require_f32("im2col", "x")?;
        let x_shape = self.shape4("im2col", "x")?;
        let (problem, [n, c, pixels, taps]) = columns_of(op, x_shape, kernel)?;
        let x = self.to_layout(Layout::ChannelsLast)?;
        let context = self.context();
        let rows = Self::empty(context, &[n, pixels, taps, c], DType::F32, Layout::RowMajor)?;
        if rows.count() > 0 {
            convolution::im2col(context, &problem, x.buffer(), rows.buffer())?;
        }
        // The kernel puts channels last, a window after the other; PyTorch's order is C, taps, pixels.
        rows.permute(&[0, 3, 2, 1])?.reshape(&[n, c * taps, pixels].map(|extent| extent as isize))
    }

    /// Adds every column of N C·KH·KW OH·OW to the window it came from: PyTorch's `fold`, and the gradient of
    /// [`Self::im2col`] for an input of `x_shape`.
    pub fn col2im(&self, op: &Conv2d, kernel: [usize; 2], x_shape: &[usize]) -> Result<Self> {
        let name = "col2im";
        let x_shape = four(name, "x", x_shape)?;
        let (problem, [n, c, pixels, taps]) = columns_of(op, x_shape, kernel)?;
        self.require_gradient(name, &[n, c * taps, pixels])?;
        let rows =
            self.reshape(&[n, c, taps, pixels].map(|extent| extent as isize))?.permute(&[0, 3, 2, 1])?;
        let x = Self::empty(self.context(), &x_shape, DType::F32, Layout::ChannelsLast)?;
        if x.count() > 0 {
            convolution::col2im(self.context(), &problem, rows.buffer(), x.buffer())?;
        }
        Ok(x)
    }

    fn require_gradient(&self, op: &'static str, expected: &[usize]) -> Result<()> {
        self.require_f32(op, "grad_y")?;
        if self.shape() == expected {
            return Ok(());
        }
        let (shape, expected) = (self.shape().to_vec(), expected.to_vec());
        Err(ShapeError::Operand { op, operand: "grad_y", shape, expected }.into())
    }
}

/// The convolution whose windows these are, and N, C, windows of an image, taps of a window.
fn columns_of(op: &Conv2d, x_shape: [usize; 4], [kh, kw]: [usize; 2]) -> Result<(Problem, [usize; 4])> {
    let op = Conv2d { groups: 1, ..*op };
    let problem = Problem::new(&op, x_shape, [1, x_shape[1], kh, kw])?;
    let [n, _, rows, columns] = problem.y_shape;
    element_count("im2col", &[n, x_shape[1], rows, columns, kh, kw])?;
    Ok((problem, [n, x_shape[1], rows * columns, kh * kw]))
}

fn four(op: &'static str, operand: &'static str, shape: &[usize]) -> Result<[usize; 4]> {
    shape
        .try_into()
        .map_err(|_| ShapeError::Rank { op, operand, shape: shape.to_vec(), expected: "four" }.into())
}

//! Convolutions and their gradients.

use tilewright_kernels::convolution::{self, Conv2dLaunch, Problem};
use tilewright_ops::{Conv2d, DType, Pooling};

use super::{matmul::widens, shape::four};
use crate::{epilogue::Epilogue, error::Result, hints::Hints, layout::Layout, tensor::Tensor};

pub(super) fn conv2d(
    op: &Conv2d,
    x: &Tensor,
    weight: &Tensor,
    epilogue: &Epilogue<'_>,
    pooling: Option<&Pooling>,
    hints: &Hints,
) -> Result<Tensor> {
    let dtype = x.dtype();
    let problem = Problem::new(op, four(x.shape()), four(weight.shape()))?.with_dtype(dtype);
    if hints.conv2d.is_none() && widens(x) {
        let wide = epilogue.widened()?;
        let (x, weight) = (x.cast(DType::F32)?, weight.cast(DType::F32)?);
        return conv2d(op, &x, &weight, &wide.epilogue(), pooling, hints)?.cast(DType::F16);
    }
    let x = x.to_layout(Layout::ChannelsLast)?;
    let weight = weight.to_layout(Layout::RowMajor)?;
    let residual = epilogue.residual.map(|residual| residual.to_layout(Layout::ChannelsLast)).transpose()?;
    let call = Conv2dLaunch {
        bias: epilogue.bias.map(Tensor::buffer),
        residual: residual.as_ref().map(Tensor::buffer),
        over_residual: hints.over_residual,
        activation: epilogue.activation,
        pooling: pooling.copied(),
        algorithm: hints.conv2d,
        ..Conv2dLaunch::new(&problem, x.buffer(), weight.buffer())
    };
    let to = convolution::placement(x.context(), &call)?;
    let y = match &residual {
        Some(residual) if to.over_residual => residual.clone(),
        _ => Tensor::empty(x.context(), &to.shape, dtype, Layout::ChannelsLast)?,
    };
    let call = Conv2dLaunch { pooling: to.pooling, algorithm: Some(to.algorithm), ..call };
    convolution::forward(x.context(), &call, y.buffer())?;
    match pooling {
        // What the kernel does not pool is pooled behind it.
        Some(pooling) if to.pooling.is_none() => y.cast(DType::F32)?.pool2d(pooling)?.cast(dtype),
        _ => Ok(y),
    }
}

/// The gradient by the input, channels-last.
pub(super) fn backward_input(
    op: &Conv2d,
    grad_y: &Tensor,
    weight: &Tensor,
    x_shape: [usize; 4],
    hints: &Hints,
) -> Result<Tensor> {
    let problem = Problem::new(op, x_shape, four(weight.shape()))?;
    let grad_y = grad_y.to_layout(Layout::ChannelsLast)?;
    let weight = weight.to_layout(Layout::RowMajor)?;
    let context = grad_y.context();
    let grad_x = Tensor::empty(context, &x_shape, DType::F32, Layout::ChannelsLast)?;
    let (from, by, to) = (grad_y.buffer(), weight.buffer(), grad_x.buffer());
    convolution::backward_input(context, &problem, from, by, to, hints.conv2d)?;
    Ok(grad_x)
}

/// The gradient by the weight, row-major.
pub(super) fn backward_weight(
    op: &Conv2d,
    grad_y: &Tensor,
    x: &Tensor,
    weight_shape: [usize; 4],
    hints: &Hints,
) -> Result<Tensor> {
    let problem = Problem::new(op, four(x.shape()), weight_shape)?;
    let grad_y = grad_y.to_layout(Layout::ChannelsLast)?;
    let x = x.to_layout(Layout::ChannelsLast)?;
    let context = grad_y.context();
    let grad_weight = Tensor::empty(context, &weight_shape, DType::F32, Layout::RowMajor)?;
    let (from, by, to) = (grad_y.buffer(), x.buffer(), grad_weight.buffer());
    convolution::backward_weight(context, &problem, from, by, to, hints.conv2d)?;
    Ok(grad_weight)
}

/// The gradient by the bias: N O OH OW summed to O.
pub(super) fn backward_bias(grad_y: &Tensor) -> Result<Tensor> {
    let [n, outputs, h, w] = four(grad_y.shape());
    let grad_y = grad_y.to_layout(Layout::ChannelsLast)?;
    let grad_bias = Tensor::empty(grad_y.context(), &[outputs], DType::F32, Layout::RowMajor)?;
    let (from, to) = (grad_y.buffer(), grad_bias.buffer());
    convolution::backward_bias(grad_y.context(), from, n * h * w, outputs, to)?;
    Ok(grad_bias)
}

/// N C·KH·KW OH·OW.
pub(super) fn im2col(op: &Conv2d, kernel: [usize; 2], x: &Tensor) -> Result<Tensor> {
    let (problem, [n, c, pixels, taps]) = columns(op, kernel, four(x.shape()))?;
    let x = x.to_layout(Layout::ChannelsLast)?;
    let context = x.context();
    let rows = Tensor::empty(context, &[n, pixels, taps, c], DType::F32, Layout::RowMajor)?;
    if rows.count() > 0 {
        convolution::im2col(context, &problem, x.buffer(), rows.buffer())?;
    }
    // The kernel puts channels last, a window after the other; PyTorch's order is C, taps, pixels.
    rows.permute(&[0, 3, 2, 1])?.reshape(&[n, c * taps, pixels].map(|extent| extent as isize))
}

pub(super) fn col2im(
    op: &Conv2d,
    kernel: [usize; 2],
    x_shape: [usize; 4],
    grad_y: &Tensor,
) -> Result<Tensor> {
    let (problem, [n, c, pixels, taps]) = columns(op, kernel, x_shape)?;
    let four = [n, c, taps, pixels].map(|extent| extent as isize);
    let rows = grad_y.reshape(&four)?.permute(&[0, 3, 2, 1])?;
    let x = Tensor::empty(grad_y.context(), &x_shape, DType::F32, Layout::ChannelsLast)?;
    if x.count() > 0 {
        convolution::col2im(grad_y.context(), &problem, rows.buffer(), x.buffer())?;
    }
    Ok(x)
}

/// The convolution whose windows these are, and N, C, windows of an image, taps of a window.
fn columns(op: &Conv2d, [kh, kw]: [usize; 2], x_shape: [usize; 4]) -> Result<(Problem, [usize; 4])> {
    let op = Conv2d { groups: 1, ..*op };
    let problem = Problem::new(&op, x_shape, [1, x_shape[1], kh, kw])?;
    let [n, _, rows, columns] = problem.y_shape;
    Ok((problem, [n, x_shape[1], rows * columns, kh * kw]))
}

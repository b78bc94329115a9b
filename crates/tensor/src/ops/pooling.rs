//! Pooling: maximum, average and sum over windows, adaptive and global averages, with their gradients.
//!
//! Operands are N C H W; results lie channels-last.

use tilewright_kernels::pooling;
use tilewright_ops::{AdaptiveAvgPool2d, DType, Op, Pool2d, PoolKind, Pooling, ShapeError};

use crate::{Layout, Result, Tensor, trace};

impl Tensor {
    /// The maximum of each window, N C OH OW, and where it was found: an i32 tensor of the same shape with the flat
    /// index in the H·W plane, as PyTorch gives it. The first of equal elements in row-major order wins.
    pub fn max_pool2d(&self, pool: &Pool2d) -> Result<(Self, Self)> {
        let (x, x_shape, y_shape) = self.pool_operand(PoolKind::Max.name(), pool)?;
        let y = Self::empty(self.context(), &y_shape, DType::F32, Layout::ChannelsLast)?;
        let indices = Self::empty(self.context(), &y_shape, DType::I32, Layout::ChannelsLast)?;
        let found = Some(indices.buffer());
        pooling::max_pool2d(self.context(), pool, x_shape, y_shape, x.buffer(), y.buffer(), found)?;
        Ok((y, indices))
    }

    /// The maximum of each window alone, for inference: [`Self::max_pool2d`] without the indices.
    pub fn max_pool2d_values(&self, pool: &Pool2d) -> Result<Self> {
        let (x, x_shape, y_shape) = self.pool_operand(PoolKind::Max.name(), pool)?;
        if let Some(y) = trace::step(|| Op::MaxPool2d(*pool), &[self]) {
            return y;
        }
        let y = Self::empty(self.context(), &y_shape, DType::F32, Layout::ChannelsLast)?;
        pooling::max_pool2d(self.context(), pool, x_shape, y_shape, x.buffer(), y.buffer(), None)?;
        Ok(y)
    }

    /// The pooling that is given as a value; of a maximum the values alone.
    ///
    /// # Errors
    /// Those of [`Pooling::output_shape`].
    pub fn pool2d(&self, pooling: &Pooling) -> Result<Self> {
        match pooling.kind {
            PoolKind::Max => self.max_pool2d_values(&pooling.pool),
            PoolKind::Average => self.avg_pool2d(&pooling.pool),
            PoolKind::Sum => self.sum_pool2d(&pooling.pool),
        }
    }

    /// The gradient of the input of shape `x_shape` (N C H W) through [`Self::max_pool2d`]: each element of `grad_y`
    /// goes to the pixel that `indices` names, and overlapping windows add up. An index outside its window is ignored.
    pub fn max_pool2d_backward(
        pool: &Pool2d,
        x_shape: &[usize],
        indices: &Self,
        grad_y: &Self,
    ) -> Result<Self> {
        let op = "max_pool2d_backward";
        let x_shape = four(op, x_shape)?;
        let y_shape = pool.output_shape_named(op, x_shape)?;
        indices.require_dtype(op, "indices", DType::I32)?;
        grad_y.require_same_context(op, indices)?;
        expect_shape(op, "indices", indices, &y_shape)?;
        let indices = indices.to_layout(Layout::ChannelsLast)?;
        grad_of_x(op, x_shape, &y_shape, grad_y, |grad_y, grad_x| {
            let (indices, context) = (indices.buffer(), indices.context());
            pooling::max_pool2d_backward(
                context,
                pool,
                x_shape,
                y_shape,
                indices,
                grad_y.buffer(),
                grad_x.buffer(),
            )
        })
    }

    /// The mean of each window, N C OH OW; [`Pool2d`] says what its divisor is.
    pub fn avg_pool2d(&self, pool: &Pool2d) -> Result<Self> {
        self.average(PoolKind::Average, pool)
    }

    /// The sum of each window, N C OH OW.
    pub fn sum_pool2d(&self, pool: &Pool2d) -> Result<Self> {
        self.average(PoolKind::Sum, &summing(pool))
    }

    /// The gradient of the input of shape `x_shape` (N C H W) through [`Self::avg_pool2d`].
    pub fn avg_pool2d_backward(pool: &Pool2d, x_shape: &[usize], grad_y: &Self) -> Result<Self> {
        average_backward("avg_pool2d_backward", pool, x_shape, grad_y)
    }

    /// The gradient of the input of shape `x_shape` (N C H W) through [`Self::sum_pool2d`].
    pub fn sum_pool2d_backward(pool: &Pool2d, x_shape: &[usize], grad_y: &Self) -> Result<Self> {
        average_backward("sum_pool2d_backward", &summing(pool), x_shape, grad_y)
    }

    /// The mean of each of OH·OW windows that divide the image evenly, N C OH OW.
    pub fn adaptive_avg_pool2d(&self, pool: AdaptiveAvgPool2d) -> Result<Self> {
        let op = "adaptive_avg_pool2d";
        self.require_f32(op, "x")?;
        let x_shape = self.shape4(op, "x")?;
        let y_shape = pool.output_shape(x_shape)?;
        if let Some(y) = trace::step(|| Op::AdaptiveAvgPool2d(pool), &[self]) {
            return y;
        }
        let x = self.to_layout(Layout::ChannelsLast)?;
        let y = Self::empty(self.context(), &y_shape, DType::F32, Layout::ChannelsLast)?;
        if pool.output == [1, 1] {
            let [batch, channels, height, width] = x_shape;
            let (dims, scale) = ([batch, height * width, channels], 1.0 / (height * width) as f32);
            pooling::sum_rows(self.context(), op, dims, scale, x.buffer(), y.buffer())?;
        } else if let Some(pool) = even_windows(pool, x_shape) {
            pooling::avg_pool2d(self.context(), op, &pool, x_shape, y_shape, x.buffer(), y.buffer())?;
        } else {
            pooling::adaptive_avg_pool2d(self.context(), x_shape, y_shape, x.buffer(), y.buffer())?;
        }
        Ok(y)
    }

    /// The gradient of the input of shape `x_shape` (N C H W) through [`Self::adaptive_avg_pool2d`].
    pub fn adaptive_avg_pool2d_backward(
        pool: AdaptiveAvgPool2d,
        x_shape: &[usize],
        grad_y: &Self,
    ) -> Result<Self> {
        let op = "adaptive_avg_pool2d_backward";
        let x_shape = four(op, x_shape)?;
        let y_shape = pool.output_shape(x_shape)?;
        grad_of_x(op, x_shape, &y_shape, grad_y, |grad_y, grad_x| {
            let (context, from, to) = (grad_y.context(), grad_y.buffer(), grad_x.buffer());
            match even_windows(pool, x_shape) {
                Some(pool) => pooling::avg_pool2d_backward(context, op, &pool, x_shape, y_shape, from, to),
                None => pooling::adaptive_avg_pool2d_backward(context, x_shape, y_shape, from, to),
            }
        })
    }

    /// The mean of each image and channel, N C 1 1.
    pub fn global_avg_pool2d(&self) -> Result<Self> {
        self.adaptive_avg_pool2d(AdaptiveAvgPool2d { output: [1, 1] })
    }

    /// The gradient of the input of shape `x_shape` (N C H W) through [`Self::global_avg_pool2d`].
    pub fn global_avg_pool2d_backward(x_shape: &[usize], grad_y: &Self) -> Result<Self> {
        Self::adaptive_avg_pool2d_backward(AdaptiveAvgPool2d { output: [1, 1] }, x_shape, grad_y)
    }

    fn average(&self, kind: PoolKind, pool: &Pool2d) -> Result<Self> {
        let op = kind.name();
        let (x, x_shape, y_shape) = self.pool_operand(op, pool)?;
        let traced = || if kind == PoolKind::Sum { Op::SumPool2d(*pool) } else { Op::AvgPool2d(*pool) };
        if let Some(y) = trace::step(traced, &[self]) {
            return y;
        }
        let y = Self::empty(self.context(), &y_shape, DType::F32, Layout::ChannelsLast)?;
        pooling::avg_pool2d(self.context(), op, pool, x_shape, y_shape, x.buffer(), y.buffer())?;
        Ok(y)
    }

    /// The operand channels-last, with its shape and that of the result.
    fn pool_operand(&self, op: &'static str, pool: &Pool2d) -> Result<(Self, [usize; 4], [usize; 4])> {
        self.require_f32(op, "x")?;
        let x_shape = self.shape4(op, "x")?;
        let y_shape = pool.output_shape_named(op, x_shape)?;
        Ok((self.to_layout(Layout::ChannelsLast)?, x_shape, y_shape))
    }
}

/// A sum is an average whose divisor is 1.
fn summing(pool: &Pool2d) -> Pool2d {
    Pool2d { divisor_override: Some(1), ..*pool }
}

/// The ordinary pooling that an adaptive one is where its windows are all alike: it computes fewer window bounds.
fn even_windows(pool: AdaptiveAvgPool2d, [_, _, height, width]: [usize; 4]) -> Option<Pool2d> {
    let [rows, columns] = pool.output;
    let even = height.is_multiple_of(rows) && width.is_multiple_of(columns);
    let kernel = [height / rows, width / columns];
    let divisor_override = Some(kernel[0] * kernel[1]);
    even.then(|| Pool2d { divisor_override, ..Pool2d::new(kernel) })
}

fn average_backward(op: &'static str, pool: &Pool2d, x_shape: &[usize], grad_y: &Tensor) -> Result<Tensor> {
    let x_shape = four(op, x_shape)?;
    let y_shape = pool.output_shape_named(op, x_shape)?;
    grad_of_x(op, x_shape, &y_shape, grad_y, |grad_y, grad_x| {
        let (from, to) = (grad_y.buffer(), grad_x.buffer());
        pooling::avg_pool2d_backward(grad_y.context(), op, pool, x_shape, y_shape, from, to)
    })
}

/// Checks `grad_y`, brings it channels-last, and lets `launch` fill the gradient of x.
fn grad_of_x(
    op: &'static str,
    x_shape: [usize; 4],
    y_shape: &[usize],
    grad_y: &Tensor,
    launch: impl FnOnce(&Tensor, &Tensor) -> tilewright_runtime::Result<()>,
) -> Result<Tensor> {
    grad_y.require_f32(op, "grad_y")?;
    expect_shape(op, "grad_y", grad_y, y_shape)?;
    let grad_y = grad_y.to_layout(Layout::ChannelsLast)?;
    let grad_x = Tensor::empty(grad_y.context(), &x_shape, DType::F32, Layout::ChannelsLast)?;
    launch(&grad_y, &grad_x)?;
    Ok(grad_x)
}

fn four(op: &'static str, shape: &[usize]) -> Result<[usize; 4]> {
    shape.try_into().map_err(|_| {
        let shape = shape.to_vec();
        ShapeError::Rank { op, operand: "x_shape", shape, expected: "four (N C H W)" }.into()
    })
}

fn expect_shape(op: &'static str, operand: &'static str, tensor: &Tensor, expected: &[usize]) -> Result<()> {
    if tensor.shape() == expected {
        return Ok(());
    }
    let (shape, expected) = (tensor.shape().to_vec(), expected.to_vec());
    Err(ShapeError::Operand { op, operand, shape, expected }.into())
}

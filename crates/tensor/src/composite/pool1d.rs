//! Pooling over one axis.

use tilewright_ops::{AdaptiveAvgPool2d, Op, Pool2d};

use super::adaptive_max_pool2d::adaptive_max_pool2d;
use super::line::{line, row};
use super::lp_pool::lp_pool2d as lp;
use super::operand::Operand;
use crate::error::Error;
use crate::tensor::Tensor;

/// Windows over the last axis of N C L.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool1d {
    /// Elements of a window.
    pub kernel: usize,
    /// Step between windows.
    pub stride: usize,
    /// Elements of border before and behind.
    pub padding: usize,
    /// Distance of a window's elements, of a maximum.
    pub dilation: usize,
    /// Whether a last window may overhang.
    pub ceil_mode: bool,
    /// Whether the border counts in a mean's divisor.
    pub count_include_pad: bool,
}

impl Pool1d {
    /// Windows side by side.
    #[must_use]
    pub fn new(kernel: usize) -> Self {
        Self { kernel, stride: kernel, padding: 0, dilation: 1, ceil_mode: false, count_include_pad: true }
    }

    /// The same windows over an image of one row.
    #[must_use]
    pub fn image(&self) -> Pool2d {
        Pool2d {
            stride: [1, self.stride],
            padding: [0, self.padding],
            dilation: [1, self.dilation],
            ceil_mode: self.ceil_mode,
            count_include_pad: self.count_include_pad,
            ..Pool2d::new([1, self.kernel])
        }
    }
}

/// The largest element of each window of N C L.
pub fn max_pool1d<V: Operand>(x: &V, pool: &Pool1d) -> Result<V, V::Error> {
    let op = "max_pool1d";
    line(op, &row(op, "x", x)?.max_pool2d_values(&pool.image())?)
}

/// The mean of each window of N C L.
pub fn avg_pool1d<V: Operand>(x: &V, pool: &Pool1d) -> Result<V, V::Error> {
    let op = "avg_pool1d";
    line(op, &row(op, "x", x)?.avg_pool2d(&pool.image())?)
}

/// (Σ |x|ᵖ)^(1/p) of each window of N C L.
pub fn lp_pool1d<V: Operand>(x: &V, p: u32, pool: &Pool1d) -> Result<V, V::Error> {
    let op = "lp_pool1d";
    line(op, &lp(&row(op, "x", x)?, p, &pool.image())?)
}

/// The means of `output` windows that divide the last axis of N C L evenly.
pub fn adaptive_avg_pool1d<V: Operand>(x: &V, output: usize) -> Result<V, V::Error> {
    let op = "adaptive_avg_pool1d";
    let pool = Op::AdaptiveAvgPool2d(AdaptiveAvgPool2d { output: [1, output] });
    line(op, &V::apply_one(&pool, &[&row(op, "x", x)?])?)
}

/// The maxima of `output` windows that divide the last axis of N C L evenly.
pub fn adaptive_max_pool1d<V: Operand>(x: &V, output: usize) -> Result<V, V::Error> {
    let op = "adaptive_max_pool1d";
    line(op, &adaptive_max_pool2d(&row(op, "x", x)?, [1, output])?.0)
}

impl Tensor {
    /// The largest element of each window of N C L: `torch.nn.functional.max_pool1d`.
    ///
    /// # Errors
    /// [`tilewright_ops::ShapeError::Rank`] without three axes; those of [`Tensor::max_pool2d`].
    pub fn max_pool1d(&self, pool: &Pool1d) -> Result<Self, Error> {
        max_pool1d(self, pool)
    }

    /// The mean of each window of N C L: `torch.nn.functional.avg_pool1d`.
    ///
    /// # Errors
    /// As [`Tensor::max_pool1d`].
    pub fn avg_pool1d(&self, pool: &Pool1d) -> Result<Self, Error> {
        avg_pool1d(self, pool)
    }

    /// (Σ |x|ᵖ)^(1/p) of each window of N C L: `torch.nn.functional.lp_pool1d`.
    ///
    /// # Errors
    /// As [`Tensor::max_pool1d`]; [`tilewright_ops::ShapeError::Parameter`] for a p of 0.
    pub fn lp_pool1d(&self, p: u32, pool: &Pool1d) -> Result<Self, Error> {
        lp_pool1d(self, p, pool)
    }

    /// The means of `output` windows of N C L: `torch.nn.functional.adaptive_avg_pool1d`.
    ///
    /// # Errors
    /// [`tilewright_ops::ShapeError::Rank`] without three axes; those of [`Tensor::adaptive_avg_pool2d`].
    pub fn adaptive_avg_pool1d(&self, output: usize) -> Result<Self, Error> {
        adaptive_avg_pool1d(self, output)
    }

    /// The maxima of `output` windows of N C L: `torch.nn.functional.adaptive_max_pool1d`.
    ///
    /// # Errors
    /// As [`Tensor::adaptive_avg_pool1d`].
    pub fn adaptive_max_pool1d(&self, output: usize) -> Result<Self, Error> {
        adaptive_max_pool1d(self, output)
    }
}

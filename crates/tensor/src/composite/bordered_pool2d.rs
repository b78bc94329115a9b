//! Pooling of N C H W whose padding differs from side to side, or is wider than half a window.

use tilewright_ops::{Pool2d, SliceRange, UnaryOp};

use super::operand::{Operand, rank};
use crate::error::Error;
use crate::tensor::Tensor;

const AVERAGE: &str = "avg_pool2d_bordered";

/// Padding before and behind height and width.
pub type Border = [(usize, usize); 2];

/// The largest element of each window of N C H W in a border.
pub fn max_pool2d_bordered<V: Operand>(x: &V, border: Border, pool: &Pool2d) -> Result<V, V::Error> {
    // What is added must not win.
    let y = bordered(x, border, f32::NEG_INFINITY)?.max_pool2d_values(pool)?;
    without_late(&y, x.shape(), border, pool)
}

/// The mean of each window of N C H W in a border: of its elements alone, unless the border counts too.
pub fn avg_pool2d_bordered<V: Operand>(x: &V, border: Border, pool: &Pool2d) -> Result<V, V::Error> {
    let padded = bordered(x, border, 0.0)?;
    if pool.count_include_pad {
        return without_late(&padded.avg_pool2d(pool)?, x.shape(), border, pool);
    }
    // The number of elements of x in each window, which its values do not change.
    let &[_, _, height, width] = x.shape() else {
        return Err(rank::<V>(AVERAGE, "x", x.shape(), "four (N C H W)"));
    };
    let ones = Tensor::ones(x.tensor().context(), &[1, 1, height, width])?;
    let counts = at_least_one(&bordered(&ones, border, 0.0)?.sum_pool2d(pool)?)?;
    let y = padded.sum_pool2d(pool)?.div(&V::constant(counts))?;
    without_late(&y, x.shape(), border, pool)
}

/// The sum of each window of N C H W in a border of zeros.
pub fn sum_pool2d_bordered<V: Operand>(x: &V, border: Border, pool: &Pool2d) -> Result<V, V::Error> {
    without_late(&bordered(x, border, 0.0)?.sum_pool2d(pool)?, x.shape(), border, pool)
}

/// Divisors of windows: one that sees the border alone has a sum of 0, and its mean shall be 0.
pub(super) fn at_least_one(counts: &Tensor) -> Result<Tensor, Error> {
    counts.unary(UnaryOp::Clamp { min: 1.0, max: f32::MAX })
}

fn bordered<V: Operand>(x: &V, [rows, columns]: Border, value: f32) -> Result<V, V::Error> {
    x.pad(&[(0, 0), (0, 0), rows, columns], value)
}

/// Without last windows that start behind the image, as [`in_time`] has it.
fn without_late<V: Operand>(y: &V, x: &[usize], border: Border, pool: &Pool2d) -> Result<V, V::Error> {
    let mut kept = y.shape().to_vec();
    for (axis, (before, _)) in border.into_iter().enumerate() {
        let at = axis + 2;
        if pool.ceil_mode {
            kept[at] = in_time(x[at], before, pool.stride[axis], kept[at]);
        }
    }
    cut(y, &kept)
}

/// How many of `windows` start before the last element or in the padding before the first. In `ceil_mode` the others, which
/// start in the padding behind, are left out: PyTorch, ONNX Runtime, and ONNX's text from version 22 on.
pub fn in_time(extent: usize, before: usize, stride: usize, windows: usize) -> usize {
    windows.min(extent.saturating_add(before).div_ceil(stride.max(1)).max(1))
}

/// The first elements of each axis.
pub(super) fn cut<V: Operand>(y: &V, shape: &[usize]) -> Result<V, V::Error> {
    if y.shape() == shape {
        return Ok(y.clone());
    }
    y.slice(&shape.iter().map(|&extent| SliceRange::full(extent)).collect::<Vec<_>>())
}

impl Tensor {
    /// [`Tensor::max_pool2d_values`] of N C H W in a border, whose sides may differ; it never wins over an element.
    ///
    /// # Errors
    /// Those of [`Tensor::pad`] and [`Tensor::max_pool2d_values`].
    pub fn max_pool2d_bordered(&self, border: Border, pool: &Pool2d) -> Result<Self, Error> {
        max_pool2d_bordered(self, border, pool)
    }

    /// [`Tensor::max_pool2d`] of N C H W in a border: the indices are flat in the plane with its border.
    ///
    /// # Errors
    /// Those of [`Tensor::pad`] and [`Tensor::max_pool2d`].
    pub fn max_pool2d_bordered_indices(&self, border: Border, pool: &Pool2d) -> Result<(Self, Self), Error> {
        let (y, indices) = bordered(self, border, f32::NEG_INFINITY)?.max_pool2d(pool)?;
        let kept = |tensor| without_late(tensor, self.shape(), border, pool);
        Ok((kept(&y)?, kept(&indices)?))
    }

    /// [`Tensor::sum_pool2d`] of N C H W in a border of zeros, whose sides may differ.
    ///
    /// # Errors
    /// Those of [`Tensor::pad`] and [`Tensor::sum_pool2d`].
    pub fn sum_pool2d_bordered(&self, border: Border, pool: &Pool2d) -> Result<Self, Error> {
        sum_pool2d_bordered(self, border, pool)
    }

    /// [`Tensor::avg_pool2d`] of N C H W in a border, whose sides may differ and which counts in the divisor if
    /// `count_include_pad`. The mean of a window that sees the border alone is 0.
    ///
    /// # Errors
    /// Those of [`Tensor::pad`] and [`Tensor::avg_pool2d`].
    pub fn avg_pool2d_bordered(&self, border: Border, pool: &Pool2d) -> Result<Self, Error> {
        avg_pool2d_bordered(self, border, pool)
    }
}

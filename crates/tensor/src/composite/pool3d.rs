//! Pooling over three axes: over height and width, then over depth, which is the same for maxima and sums.

use tilewright_ops::Pool2d;

use super::bordered_pool2d::{at_least_one, cut, in_time};
use super::conv3d::padded;
use super::operand::{Operand, rank};
use crate::error::Error;
use crate::tensor::Tensor;

const MAX: &str = "max_pool3d";
const AVERAGE: &str = "avg_pool3d";
const SUM: &str = "sum_pool3d";

/// Parameters of a pooling over depth, height and width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool3d {
    /// The window.
    pub kernel: [usize; 3],
    /// Step between windows.
    pub stride: [usize; 3],
    /// Padding before and behind.
    pub padding: [(usize, usize); 3],
    /// Distance between taps.
    pub dilation: [usize; 3],
    /// Whether a last, partly filled window is kept.
    pub ceil_mode: bool,
    /// Whether an average counts padding in its divisor.
    pub count_include_pad: bool,
}

impl Pool3d {
    /// A pooling whose stride is its kernel, without padding or dilation.
    #[must_use]
    pub const fn new(kernel: [usize; 3]) -> Self {
        Self {
            kernel,
            stride: kernel,
            padding: [(0, 0); 3],
            dilation: [1; 3],
            ceil_mode: false,
            count_include_pad: true,
        }
    }

    /// The part of it over two axes; the axis 3 has a window of 1.
    fn part(&self, axes: [usize; 2]) -> Pool2d {
        let of = |values: [usize; 3]| axes.map(|axis| values.get(axis).copied().unwrap_or(1));
        Pool2d {
            stride: of(self.stride),
            dilation: of(self.dilation),
            ceil_mode: self.ceil_mode,
            ..Pool2d::new(of(self.kernel))
        }
    }
}

/// The largest element of each window of N C D H W.
pub fn max_pool3d<V: Operand>(x: &V, pool: &Pool3d) -> Result<V, V::Error> {
    // What is added must not win.
    windows(MAX, x, pool, f32::NEG_INFINITY, V::max_pool2d_values)
}

/// The mean of each window of N C D H W: sums over the number of elements in each window.
pub fn avg_pool3d<V: Operand>(x: &V, pool: &Pool3d) -> Result<V, V::Error> {
    let &[_, _, d, h, w] = x.shape() else {
        return Err(rank::<V>(AVERAGE, "x", x.shape(), "five (N C D H W)"));
    };
    let ones = Tensor::ones(x.tensor().context(), &[1, 1, d, h, w])?;
    let outside = if pool.count_include_pad { 1.0 } else { 0.0 };
    let counts = at_least_one(&windows(AVERAGE, &ones, pool, outside, Tensor::sum_pool2d)?)?;
    windows(AVERAGE, x, pool, 0.0, V::sum_pool2d)?.div(&V::constant(counts))
}

/// The sum of each window of N C D H W.
pub fn sum_pool3d<V: Operand>(x: &V, pool: &Pool3d) -> Result<V, V::Error> {
    windows(SUM, x, pool, 0.0, V::sum_pool2d)
}

fn windows<V: Operand>(
    op: &'static str,
    x: &V,
    pool: &Pool3d,
    outside: f32,
    step: impl Fn(&V, &Pool2d) -> Result<V, V::Error>,
) -> Result<V, V::Error> {
    let x = padded(op, x, pool.padding, outside)?;
    let &[n, c, d, h, w] = x.shape() else { return Err(rank::<V>(op, "x", x.shape(), "five (N C D H W)")) };
    let planes = step(&x.with_shape(&[n, c * d, h, w])?, &pool.part([1, 2]))?;
    let &[_, _, oh, ow] = planes.shape() else { return Err(rank::<V>(op, "y", planes.shape(), "four")) };
    let columns = step(&planes.with_shape(&[n, c, d, oh * ow])?, &pool.part([0, 3]))?;
    let &[_, _, od, _] = columns.shape() else { return Err(rank::<V>(op, "y", columns.shape(), "four")) };
    let y = columns.with_shape(&[n, c, od, oh, ow])?;
    let mut kept = y.shape().to_vec();
    for (axis, (before, behind)) in pool.padding.into_iter().enumerate() {
        let extent = [d, h, w][axis].saturating_sub(before + behind);
        if pool.ceil_mode {
            kept[axis + 2] = in_time(extent, before, pool.stride[axis], kept[axis + 2]);
        }
    }
    cut(&y, &kept)
}

impl Tensor {
    /// The largest element of each window of N C D H W: `torch.nn.functional.max_pool3d`. Padding never wins over an
    /// element.
    ///
    /// # Errors
    /// [`tilewright_ops::ShapeError::Rank`] without five axes; those of [`Tensor::max_pool2d_values`].
    pub fn max_pool3d(&self, pool: &Pool3d) -> Result<Self, Error> {
        max_pool3d(self, pool)
    }

    /// The sum of each window of N C D H W.
    ///
    /// # Errors
    /// Those of [`Tensor::avg_pool3d`].
    pub fn sum_pool3d(&self, pool: &Pool3d) -> Result<Self, Error> {
        sum_pool3d(self, pool)
    }

    /// The mean of each window of N C D H W: `torch.nn.functional.avg_pool3d`.
    ///
    /// # Errors
    /// [`tilewright_ops::ShapeError::Rank`] without five axes; those of [`Tensor::sum_pool2d`].
    pub fn avg_pool3d(&self, pool: &Pool3d) -> Result<Self, Error> {
        avg_pool3d(self, pool)
    }
}

//! The numbers of a pooling of bytes.

use tilewright_ops::Pool2d;
use tilewright_runtime::Result;

use super::channels::padded;
use crate::base::{magic::to_numerator, numbers::to_u32};

/// A pooling of x N C H W to y N C OH OW, both channels-last.
#[derive(Clone, Copy)]
pub struct Windows<'a> {
    pub pool: &'a Pool2d,
    pub x_shape: [usize; 4],
    pub y_shape: [usize; 4],
}

/// Pairs as the kernels take them, words of a pixel, words of y.
pub(super) struct Numbers {
    pub input: [u32; 2],
    pub output: [u32; 2],
    pub kernel: [u32; 2],
    pub stride: [u32; 2],
    pub padding: [u32; 2],
    pub dilation: [u32; 2],
    pub words: u32,
    pub count: u32,
}

impl Windows<'_> {
    pub(super) fn numbers(&self, op: &str) -> Result<Numbers> {
        let pair = |[a, b]: [usize; 2]| -> Result<[u32; 2]> { Ok([to_u32(op, a)?, to_u32(op, b)?]) };
        let ([_, c, h, w], [n, _, rows, columns], pool) = (self.x_shape, self.y_shape, self.pool);
        // A padded image below 2^31 pixels a side: what lies before it, modulo 2^32, is then never inside.
        for axis in 0..2 {
            to_numerator(op, self.x_shape[2 + axis] + 2 * pool.padding[axis])?;
        }
        let words = padded(c) / 4;
        to_u32(op, n * h * w * words)?;
        Ok(Numbers {
            input: pair([h, w])?,
            output: pair([rows, columns])?,
            kernel: pair(pool.kernel)?,
            stride: pair(pool.stride)?,
            padding: pair(pool.padding)?,
            dilation: pair(pool.dilation)?,
            words: to_u32(op, words)?,
            count: to_u32(op, n * rows * columns * words)?,
        })
    }

    /// Pixels of x and of y.
    pub(super) fn pixels(&self) -> [usize; 2] {
        [self.x_shape, self.y_shape].map(|[n, _, h, w]| n * h * w)
    }
}

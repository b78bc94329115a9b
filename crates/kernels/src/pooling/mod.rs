//! Pooling kernels, channels-last: maximum, average and sum over windows, adaptive and global averages.
//!
//! Shapes are logical (N C H W); the buffers lie N H W C. A thread handles four channels where C is a multiple of four.

mod adaptive;
mod average;
mod max;
mod sum_rows;

pub use adaptive::{adaptive_avg_pool2d, adaptive_avg_pool2d_backward};
pub use average::{avg_pool2d, avg_pool2d_backward};
pub use max::{max_pool2d, max_pool2d_backward};
pub use sum_rows::sum_rows;

use tilewright_ops::Pool2d;
use tilewright_runtime::Result;
use tilewright_shaders::Specialisation;

use crate::{
    WORKGROUP,
    magic::{magic, to_numerator},
};

pub(crate) fn params() -> Vec<crate::ParamsLayout> {
    [max::LAYOUTS, average::LAYOUTS, adaptive::LAYOUTS, sum_rows::LAYOUTS].concat()
}

/// Channels that a thread handles.
pub(crate) const fn lanes(channels: usize) -> usize {
    if channels.is_multiple_of(4) { 4 } else { 1 }
}

/// The kernel `stem` with `VALUE` for as many channels as [`lanes`] says.
pub(crate) fn kernel(stem: &'static str, channels: usize) -> Specialisation {
    let value = if lanes(channels) == 4 { "vec4<f32>" } else { "f32" };
    Specialisation::new(stem).with_u32("WORKGROUP", WORKGROUP).with_type("VALUE", value)
}

/// The numbers of a window as the kernels take them; each fits the kernels' arithmetic.
struct Window {
    input: [u32; 2],
    output: [u32; 2],
    kernel: [u32; 2],
    stride: [u32; 2],
    padding: [u32; 2],
    dilation: [u32; 2],
    by_channels: [u32; 2],
    by_stride: [[u32; 2]; 2],
    channels: u32,
}

/// Whether the taps of a window lie apart.
fn dilated(pool: &Pool2d) -> bool {
    pool.dilation != [1, 1]
}

impl Window {
    fn new(op: &str, pool: &Pool2d, x_shape: [usize; 4], y_shape: [usize; 4]) -> Result<Self> {
        for axis in 0..2 {
            // The farthest place that a kernel computes: behind the padding of both sides, or the end of a window that
            // overhangs, rounded up to a whole step.
            let reach = (pool.kernel[axis] - 1).saturating_mul(pool.dilation[axis]);
            let place = x_shape[2 + axis]
                .saturating_add(pool.padding[axis].saturating_mul(2))
                .saturating_add(reach)
                .saturating_add(pool.stride[axis])
                .saturating_add(pool.dilation[axis]);
            to_numerator(op, place)?;
        }
        let channels = values(op, [1, x_shape[1], 1, 1])?;
        Ok(Self {
            input: pair(op, [x_shape[2], x_shape[3]])?,
            output: pair(op, [y_shape[2], y_shape[3]])?,
            kernel: pair(op, pool.kernel)?,
            stride: pair(op, pool.stride)?,
            padding: pair(op, pool.padding)?,
            dilation: pair(op, pool.dilation)?,
            by_channels: magic(channels),
            by_stride: pair(op, pool.stride)?.map(magic),
            channels,
        })
    }
}

fn pair(op: &str, [height, width]: [usize; 2]) -> Result<[u32; 2]> {
    Ok([to_numerator(op, height)?, to_numerator(op, width)?])
}

/// VALUEs of a tensor whose elements can be numbered.
fn values(op: &str, shape: [usize; 4]) -> Result<u32> {
    Ok(to_numerator(op, shape.iter().product())? / lanes(shape[1]) as u32)
}

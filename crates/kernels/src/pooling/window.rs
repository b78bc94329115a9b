//! Windows as the pooling kernels take them, and what the launchers ask of them.

use tilewright_ops::Pool2d;
use tilewright_runtime::{Context, Error, Result};
use tilewright_shaders::Specialisation;

use crate::base::{
    coarsening::Coarsening,
    magic::{magic, to_numerator},
    numbers::WORKGROUP,
};

/// Channels of a VALUE, which a thread handles at once.
pub(super) const fn value_width(channels: usize) -> usize {
    if channels.is_multiple_of(4) { 4 } else { 1 }
}

/// The kernel `stem` with `VALUE` for as many channels as [`value_width`] says.
pub(super) fn kernel(stem: &'static str, channels: usize) -> Specialisation {
    let value = if value_width(channels) == 4 { "vec4<f32>" } else { "f32" };
    Specialisation::new(stem).with_u32("WORKGROUP", WORKGROUP).with_type("VALUE", value)
}

/// The numbers of a window as the kernels take them; each fits the kernels' arithmetic.
pub(super) struct Window {
    pub input: [u32; 2],
    pub output: [u32; 2],
    pub kernel: [u32; 2],
    pub stride: [u32; 2],
    pub padding: [u32; 2],
    pub dilation: [u32; 2],
    pub by_channels: [u32; 2],
    pub by_stride: [[u32; 2]; 2],
    pub channels: u32,
}

/// Steps of all loops of a thread together. Mesa's llvmpipe before version 23 silently ends the loops of a thread that
/// makes more than 65,535.
pub(super) const MOST_STEPS: usize = 65_000;
/// Windows of more taps are worth two passes, one for each axis: k + k steps in place of k·k.
pub(super) const SPLIT_STEPS: usize = 4096;

/// The steps of a thread that visits each tap of a window (height and width).
pub(super) fn tap_steps(pool: &Pool2d) -> [usize; 2] {
    pool.kernel
}

/// The steps of a thread that visits each window which can cover an element.
pub(super) fn window_steps(pool: &Pool2d, y_shape: [usize; 4]) -> [usize; 2] {
    [0, 1].map(|axis| {
        let reach = (pool.kernel[axis] - 1).saturating_mul(pool.dilation[axis]);
        (reach / pool.stride[axis] + 1).min(y_shape[2 + axis])
    })
}

/// Fails where a thread would take too many steps.
pub(super) fn check_steps(op: &str, [height, width]: [usize; 2], x_shape: [usize; 4]) -> Result<()> {
    let steps = height.saturating_mul(width);
    if steps <= MOST_STEPS {
        return Ok(());
    }
    Err(Error::Limit {
        op: op.to_owned(),
        what: "the taps of a window",
        needed: steps as u64,
        limit: MOST_STEPS as u64,
        detail: format!("{height} × {width} over the input {x_shape:?}; pool in two steps"),
    })
}

/// What a thread does: VALUEs at most 8, as each is a window; one where that is large, for the sake of [`check_steps`].
pub(super) fn coarsening(context: &Context, [height, width]: [usize; 2]) -> Coarsening {
    Coarsening::of(context).at_most(if height.saturating_mul(width) <= 64 { 8 } else { 1 })
}

/// Elements of a window that one thread writes at most, and taps that are written out; larger windows leave too few
/// threads, and too much text.
pub(super) const TILE: usize = 16;
/// Windows whose indices and gradients one thread holds at most.
pub(super) const MOST_COVER: usize = 4;

/// Windows on each axis that can cover an element.
pub(super) fn cover(pool: &Pool2d) -> [usize; 2] {
    [0, 1].map(|axis| pool.kernel[axis].div_ceil(pool.stride[axis]))
}

/// Whether a thread can hold the windows of a tile of one stride, and write all of it.
pub(super) fn tiled(pool: &Pool2d) -> bool {
    let few = |[height, width]: [usize; 2], most: usize| height.saturating_mul(width) <= most;
    !dilated(pool) && few(pool.stride, TILE) && few(cover(pool), MOST_COVER)
}

/// Tiles of one stride that cut the padded image, on each axis.
pub(super) fn stride_tiles(pool: &Pool2d, x_shape: [usize; 4]) -> [usize; 2] {
    [0, 1].map(|axis| (x_shape[2 + axis] + pool.padding[axis]).div_ceil(pool.stride[axis]))
}

/// Whether an average is quicker as two passes, one for each axis.
pub(super) fn split([height, width]: [usize; 2]) -> bool {
    height > 1 && width > 1 && height.saturating_mul(width) > SPLIT_STEPS
}

/// Whether the taps of a window lie apart.
pub(super) fn dilated(pool: &Pool2d) -> bool {
    pool.dilation != [1, 1]
}

impl Window {
    pub fn new(op: &str, pool: &Pool2d, x_shape: [usize; 4], y_shape: [usize; 4]) -> Result<Self> {
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

pub(super) fn pair(op: &str, [height, width]: [usize; 2]) -> Result<[u32; 2]> {
    Ok([to_numerator(op, height)?, to_numerator(op, width)?])
}

/// Bytes of an f32 tensor.
pub(super) fn bytes(shape: [usize; 4]) -> u64 {
    shape.iter().fold(4, |bytes: u64, &extent| bytes.saturating_mul(extent as u64))
}

/// VALUEs of a tensor whose elements can be numbered.
pub(super) fn values(op: &str, shape: [usize; 4]) -> Result<u32> {
    Ok(to_numerator(op, shape.iter().product())? / value_width(shape[1]) as u32)
}

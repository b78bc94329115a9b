//! `avg_pool2d_backward_spread`: the gradient of averages whose windows, of any size, are tiles of the image.

use tilewright_ops::Pool2d;
use tilewright_runtime::{Buffer, Context, Dispatch, Result};

use super::common::{MOST_TURNS, WALKERS, wide, widened, workgroups};
use crate::{
    base::{
        coarsening::Coarsening,
        numbers::to_u32,
        params::{ParamsLayout, params},
    },
    pooling::window::{kernel, values},
};

params! { Params for "avg_pool2d_backward_spread" {
    tiles: u32,
    height: u32,
    width: u32,
    channels: u32,
    count: u32,
    scale: f32,
    never: u32,
} }

pub(crate) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT];

/// Fills each tile of `grad_x` with the gradient of its window, divided: `buffers` are `[grad_y, grad_x]`, `y_shape` has a
/// pixel for each tile, which is as large as `pool`'s window. Whether it did: only on a CPU, where no row has too many pixels
/// for one thread.
pub(crate) fn fill_tiles(
    context: &Context,
    op: &str,
    pool: &Pool2d,
    y_shape: [usize; 4],
    divisor: usize,
    buffers: [&Buffer; 2],
) -> Result<bool> {
    let coarsening = Coarsening::of(context);
    let [batch, channels, rows, tiles] = y_shape;
    let [height, width] = pool.kernel;
    if y_shape.contains(&0)
        || !coarsening.blocked()
        || tiles.saturating_mul(width.saturating_add(1)) > MOST_TURNS
    {
        return Ok(false);
    }
    values(op, [batch, channels, rows.saturating_mul(height), tiles * width])?;
    let values = values(op, [1, channels, 1, 1])?;
    let columns = coarsening.kept_columns(values);
    let params = Params {
        tiles: to_u32(op, tiles)?,
        height: to_u32(op, height)?,
        width: to_u32(op, width)?,
        channels: values,
        count: to_u32(op, batch * rows * height * (values / columns) as usize)?,
        scale: 1.0 / divisor as f32,
        never: 0,
    };
    let kernel = kernel("avg_pool2d_backward_spread", channels)
        .with_u32("WORKGROUP", WALKERS)
        .with_u32("LANES", coarsening.lanes)
        .with_u32("COLUMNS", columns);
    let kernel = widened(context, kernel, wide(context, channels));
    let groups = workgroups(params.count);
    let [grad_y, grad_x] = buffers;
    let buffers = [grad_y, grad_x, grad_y];
    context.dispatch(
        &kernel,
        &Dispatch { op, params: bytemuck::bytes_of(&params), buffers: &buffers, groups },
    )?;
    Ok(true)
}

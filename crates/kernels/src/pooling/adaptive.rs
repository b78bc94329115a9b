//! `adaptive_avg_pool2d` and `adaptive_avg_pool2d_backward`.

use tilewright_ops::Pool2d;
use tilewright_runtime::{Buffer, Context, Dispatch, Result};

use super::{
    average::repeat_tiles,
    window::{bytes, check_steps, coarsening, kernel, pair, split, values},
};
use crate::base::{
    magic::{magic, to_numerator},
    params::{ParamsLayout, params},
};

params! { Params for "adaptive_avg_pool2d", "adaptive_avg_pool2d_backward" {
    input: [u32; 2],
    output: [u32; 2],
    by_channels: [u32; 2],
    by_input_height: [u32; 2],
    by_input_width: [u32; 2],
    by_output_height: [u32; 2],
    by_output_width: [u32; 2],
    channels: u32,
    count: u32,
} }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT];

/// The averages `y` of as many windows as `y_shape` has pixels.
pub fn adaptive_avg_pool2d(
    context: &Context,
    x_shape: [usize; 4],
    y_shape: [usize; 4],
    x: &Buffer,
    y: &Buffer,
) -> Result<()> {
    let steps = [2, 3].map(|axis| x_shape[axis] / y_shape[axis] + 2);
    if split(steps) && x_shape[2] != y_shape[2] && x_shape[3] != y_shape[3] {
        let between = [x_shape[0], x_shape[1], y_shape[2], x_shape[3]];
        let partial = context.alloc(bytes(between))?;
        adaptive_avg_pool2d(context, x_shape, between, x, &partial)?;
        return adaptive_avg_pool2d(context, between, y_shape, &partial, y);
    }
    check_steps("adaptive_avg_pool2d", steps, x_shape)?;
    launch(context, "adaptive_avg_pool2d", [x_shape, y_shape, y_shape], steps, &[x, y])
}

/// The gradient of x through [`adaptive_avg_pool2d`].
pub fn adaptive_avg_pool2d_backward(
    context: &Context,
    x_shape: [usize; 4],
    y_shape: [usize; 4],
    grad_y: &Buffer,
    grad_x: &Buffer,
) -> Result<()> {
    if !x_shape.contains(&0) && (2..4).all(|axis| x_shape[axis].is_multiple_of(y_shape[axis])) {
        // The windows are tiles.
        let op = "adaptive_avg_pool2d_backward";
        let [height, width] = [2, 3].map(|axis| x_shape[axis] / y_shape[axis]);
        let pool = Pool2d::new([height, width]);
        return repeat_tiles(context, op, &pool, y_shape, height * width, grad_y, grad_x);
    }
    let steps = [2, 3].map(|axis| y_shape[axis] / x_shape[axis] + 2);
    if split(steps) && x_shape[2] != y_shape[2] && x_shape[3] != y_shape[3] {
        let between = [x_shape[0], x_shape[1], y_shape[2], x_shape[3]];
        let partial = context.alloc(bytes(between))?;
        adaptive_avg_pool2d_backward(context, between, y_shape, grad_y, &partial)?;
        return adaptive_avg_pool2d_backward(context, x_shape, between, &partial, grad_x);
    }
    check_steps("adaptive_avg_pool2d_backward", steps, x_shape)?;
    launch(context, "adaptive_avg_pool2d_backward", [x_shape, y_shape, x_shape], steps, &[grad_y, grad_x])
}

fn launch(
    context: &Context,
    op: &'static str,
    [x_shape, y_shape, threads]: [[usize; 4]; 3],
    steps: [usize; 2],
    buffers: &[&Buffer],
) -> Result<()> {
    values(op, x_shape)?;
    for axis in 2..4 {
        // Products of a place in one image and the extent of the other, rounded up.
        let product = x_shape[axis].saturating_mul(y_shape[axis]);
        to_numerator(op, product.saturating_add(x_shape[axis]).saturating_add(y_shape[axis]))?;
    }
    let input = pair(op, [x_shape[2], x_shape[3]])?;
    let output = pair(op, [y_shape[2], y_shape[3]])?;
    let channels = values(op, [1, x_shape[1], 1, 1])?;
    let params = Params {
        input,
        output,
        by_channels: magic(channels),
        by_input_height: magic(input[0]),
        by_input_width: magic(input[1]),
        by_output_height: magic(output[0]),
        by_output_width: magic(output[1]),
        channels,
        count: values(op, threads)?,
    };
    let kernel = kernel(op, x_shape[1]);
    let (kernel, groups) = coarsening(context, steps).specialise(kernel, params.count);
    context.dispatch(&kernel, &Dispatch { op, params: bytemuck::bytes_of(&params), buffers, groups })
}

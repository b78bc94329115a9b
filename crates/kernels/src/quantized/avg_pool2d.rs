//! `qavg_pool2d`.

use tilewright_ops::{DType, Pool2d, Steps};
use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use super::{
    channels::{through_words, whole_words},
    windows::{Numbers, Windows},
};
use crate::base::{
    coarsening::Coarsening,
    params::{ParamsLayout, params},
};

params! { Params for "qavg_pool2d" {
    input: [u32; 2], output: [u32; 2], kernel: [u32; 2], stride: [u32; 2], padding: [u32; 2], dilation: [u32; 2],
    words: u32, count: u32, x_zero: i32, y_zero: i32, low: f32, high: f32,
} }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT];

/// Means of windows of x, N C H W of `dtype` with a zero point, in y, N C OH OW; both lie channels-last. `multiplier` is that of
/// [`tilewright_ops::quantized::average_multipliers`].
pub fn avg_pool2d(
    context: &Context,
    pool: &Pool2d,
    (x, x_shape, dtype, x_zero): (&Buffer, [usize; 4], DType, i32),
    multiplier: &Buffer,
    (y, y_shape, steps): (&Buffer, [usize; 4], &Steps),
) -> Result<()> {
    let op = "qavg_pool2d";
    let windows = Windows { pool, x_shape, y_shape };
    let Numbers { input, output, kernel, stride, padding, dilation, words, count } = windows.numbers(op)?;
    let params = Params {
        input,
        output,
        kernel,
        stride,
        padding,
        dilation,
        words,
        count,
        x_zero,
        y_zero: steps.zero_point,
        low: (steps.low - steps.zero_point) as f32,
        high: (steps.high - steps.zero_point) as f32,
    };
    let ([x_pixels, y_pixels], channels) = (windows.pixels(), x_shape[1]);
    let x = whole_words(context, op, x, x_pixels, channels, x_zero)?;
    through_words(context, op, y, y_pixels, channels, |y| {
        let kernel = Specialisation::new(op)
            .with_bool("SIGNED", dtype == DType::I8)
            .with_bool("PADDING_COUNTS", pool.count_include_pad);
        let (kernel, groups) = Coarsening::of(context).at_most(4).specialise(kernel, count);
        let buffers = &[&x, multiplier, y];
        context.dispatch(&kernel, &Dispatch { op, params: bytemuck::bytes_of(&params), buffers, groups })
    })
}

//! `qmax_pool2d`.

use tilewright_ops::{DType, Pool2d};
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

params! { Params for "qmax_pool2d" {
    input: [u32; 2], output: [u32; 2], kernel: [u32; 2], stride: [u32; 2], padding: [u32; 2], dilation: [u32; 2],
    words: u32, count: u32, pad0: u32, pad1: u32,
} }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT];

/// Maxima of windows of x, N C H W of `dtype`, in y, N C OH OW; both lie channels-last.
pub fn max_pool2d(
    context: &Context,
    pool: &Pool2d,
    dtype: DType,
    (x, x_shape): (&Buffer, [usize; 4]),
    (y, y_shape): (&Buffer, [usize; 4]),
) -> Result<()> {
    let op = "qmax_pool2d";
    let windows = Windows { pool, x_shape, y_shape };
    let Numbers { input, output, kernel, stride, padding, dilation, words, count } = windows.numbers(op)?;
    let params = Params { input, output, kernel, stride, padding, dilation, words, count, pad0: 0, pad1: 0 };
    let ([x_pixels, y_pixels], channels) = (windows.pixels(), x_shape[1]);
    let x = whole_words(context, op, x, x_pixels, channels, 0)?;
    through_words(context, op, y, y_pixels, channels, |y| {
        let kernel = Specialisation::new(op).with_bool("SIGNED", dtype == DType::I8);
        let (kernel, groups) = Coarsening::of(context).at_most(4).specialise(kernel, count);
        let dispatch = Dispatch { op, params: bytemuck::bytes_of(&params), buffers: &[&x, y], groups };
        context.dispatch(&kernel, &dispatch)
    })
}

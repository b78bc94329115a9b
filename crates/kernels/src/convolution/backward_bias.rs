//! `conv2d_backward_bias`.

use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use super::direct::parts;
use crate::{
    base::{
        numbers::{WORKGROUP, to_u32, workgroups},
        params::{ParamsLayout, params},
    },
    matmul::split_k_reduce::{Addends, Reduction, split_k_reduce},
};

params! { Params for "conv2d_backward_bias" { pixels: u32, outputs: u32, chunk: u32, count: u32 } }

pub(super) const LAYOUT: ParamsLayout = Params::LAYOUT;

/// `grad_bias[o] = Σ grad_y[pixel, o]` over the `pixels` of a channels-last gradient with `outputs` channels.
pub fn backward_bias(
    context: &Context,
    grad_y: &Buffer,
    pixels: usize,
    outputs: usize,
    grad_bias: &Buffer,
) -> Result<()> {
    let op = "conv2d_backward_bias";
    if outputs == 0 {
        return Ok(());
    }
    let (splits, chunk) = parts(pixels, outputs);
    let number = |value| to_u32(op, value);
    number(pixels * outputs)?;
    let params = Params {
        pixels: number(pixels)?,
        outputs: number(outputs)?,
        chunk: number(chunk)?,
        count: number(splits * outputs)?,
    };
    let kernel = Specialisation::new(op).with_u32("WORKGROUP", WORKGROUP);
    let partials = if splits > 1 { Some(context.alloc((splits * outputs * 4) as u64)?) } else { None };
    let dispatch = Dispatch {
        op,
        params: bytemuck::bytes_of(&params),
        buffers: &[grad_y, partials.as_ref().unwrap_or(grad_bias)],
        groups: workgroups(params.count),
    };
    context.dispatch(&kernel, &dispatch)?;
    let Some(partials) = partials else { return Ok(()) };
    let reduction = Reduction { count: outputs, splits, bias_inner: 1, bias_period: 1, accumulate: false };
    split_k_reduce(context, op, &reduction, &partials, Addends::default(), grad_bias, None)
}

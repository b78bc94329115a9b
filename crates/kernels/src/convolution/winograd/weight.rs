//! `winograd_weight`.

use tilewright_runtime::{Buffer, Context, Dispatch, Result};

use super::spec::Spec;
use crate::{
    base::{
        numbers::{to_u32, workgroups},
        params::{ParamsLayout, params},
    },
    convolution::problem::{Pass, Problem},
};

params! { WeightParams for "winograd_weight" { b: u32, a_stride: u32, b_stride: u32, flip: u32, count: u32 } }

pub(crate) const LAYOUT: ParamsLayout = WeightParams::LAYOUT;

/// The transformed weight: (tile + 2)², C, O; on the way back (tile + 2)², O, C of the filters turned by 180°.
pub(super) fn pack(
    context: &Context,
    pass: Pass,
    problem: &Problem,
    tile: u32,
    weight: &Buffer,
) -> Result<Buffer> {
    let op = pass.name();
    let [outputs, inputs, ..] = problem.w_shape;
    let alpha = tile as usize + 2;
    let number = |value| to_u32(op, value);
    let (b, a_stride, b_stride, flip) = match pass {
        Pass::BackwardInput => (inputs, 9 * inputs, 9, 8),
        _ => (outputs, 9, 9 * inputs, 0),
    };
    number(alpha * alpha * inputs * outputs)?;
    let spec = Spec::new(context, "winograd_weight", tile);
    let params = WeightParams {
        b: number(b / spec.width())?,
        a_stride: number(a_stride)?,
        b_stride: number(b_stride)?,
        flip,
        count: number(inputs * outputs / spec.width())?,
    };
    let packed = context.alloc((alpha * alpha * inputs * outputs * 4) as u64)?;
    let dispatch = Dispatch {
        op,
        params: bytemuck::bytes_of(&params),
        buffers: &[weight, &packed],
        groups: workgroups(params.count),
    };
    context.dispatch(&spec.into(), &dispatch)?;
    Ok(packed)
}

//! `argmax` and `argmax_join`, and the choice of `argmax_lanes`.

use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use super::{
    lines::Lines,
    plan::{Plan, lists},
    softmax_lanes,
};
use crate::base::{
    numbers::{WORKGROUP, to_u32, workgroups},
    params::{ParamsLayout, params},
};

params! { Params for "argmax", "argmax_join" {
    kept_shape: [u32; 8],
    kept_strides: [u32; 8],
    reduced_shape: [u32; 8],
    reduced_strides: [u32; 8],
    outputs: u32,
    count: u32,
    parts: u32,
    length: u32,
} }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT];

const OP: &str = "argmax";

/// `y` (i32) = for each output, the first place of the largest element in the order of the plan's reduced axes.
pub fn argmax(context: &Context, x: &Buffer, y: &Buffer, plan: &Plan) -> Result<()> {
    let (outputs, count) = (plan.outputs(), plan.count());
    if let ([kept], [reduced]) = (plan.kept.as_slice(), plan.reduced.as_slice()) {
        let view = Lines { before: outputs, along: count, after: 1 };
        let dense = reduced.stride == 1 && kept.stride == count;
        if dense && softmax_lanes::argmax(context, x, y, view)? {
            return Ok(());
        }
    }
    let length = if count <= 512 { count } else { count.isqrt().max(256) };
    let parts = count.div_ceil(length);
    let (kept_shape, kept_strides) = lists(OP, &plan.kept)?;
    let (reduced_shape, reduced_strides) = lists(OP, &plan.reduced)?;
    let params = Params {
        kept_shape,
        kept_strides,
        reduced_shape,
        reduced_strides,
        outputs: to_u32(OP, outputs)?,
        count: to_u32(OP, count)?,
        parts: to_u32(OP, parts)?,
        length: to_u32(OP, length)?,
    };
    let launch = |stem, buffers: &[&Buffer], threads: usize| -> Result<()> {
        let kernel = Specialisation::new(stem)
            .with_u32("WORKGROUP", WORKGROUP)
            .with_u32("KEPT", plan.kept.len() as u32)
            .with_u32("REDUCED", plan.reduced.len() as u32);
        let groups = workgroups(to_u32(OP, threads)?);
        let dispatch = Dispatch { op: OP, params: bytemuck::bytes_of(&params), buffers, groups };
        context.dispatch(&kernel, &dispatch)
    };
    if parts == 1 {
        return launch("argmax", &[x, y], outputs);
    }
    let candidates = context.alloc((outputs * parts * 4) as u64)?;
    launch("argmax", &[x, &candidates], outputs * parts)?;
    launch("argmax_join", &[x, &candidates, y], outputs)
}

//! `log_sum_exp`, `log_sum_exp_join`, `softmax` and `softmax_backward`.

use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use super::{lines::Lines, softmax_lanes};
use crate::base::{
    numbers::{WORKGROUP, to_u32, workgroups},
    params::{ParamsLayout, params},
};

params! { Params for "log_sum_exp", "log_sum_exp_join", "softmax", "softmax_backward" {
    lines: u32,
    along: u32,
    after: u32,
    parts: u32,
} }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT];

/// Elements that one thread takes alone.
const SERIAL: usize = 256;

/// For each line the pair (m, Σ exp(x − m)), m its largest element: the logarithm of Σ exp(x) is m + log Σ.
pub fn log_sum_exp(context: &Context, op: &str, x: &Buffer, view: Lines) -> Result<Buffer> {
    let Lines { along, after, .. } = view;
    // At most 512 parts until their own length must grow; both loops of both kernels stay short enough for any driver.
    let parts = if along <= SERIAL { 1 } else { along.div_ceil(64).min(512).max(along.div_ceil(16_384)) };
    let params = Params {
        lines: to_u32(op, view.lines())?,
        along: to_u32(op, along)?,
        after: to_u32(op, after)?,
        parts: to_u32(op, parts)?,
    };
    let launch = |kernel: Specialisation, from: &Buffer, threads: usize| -> Result<Buffer> {
        let to = context.alloc(threads as u64 * 8)?;
        let groups = workgroups(to_u32(op, threads)?);
        let dispatch = Dispatch { op, params: bytemuck::bytes_of(&params), buffers: &[from, &to], groups };
        context.dispatch(&kernel.with_u32("WORKGROUP", WORKGROUP), &dispatch)?;
        Ok(to)
    };
    let kernel = Specialisation::new("log_sum_exp").with_bool("LINES_FIRST", view.lines_first());
    let pairs = launch(kernel, x, view.lines() * parts)?;
    if parts == 1 {
        return Ok(pairs);
    }
    launch(Specialisation::new("log_sum_exp_join"), &pairs, view.lines())
}

/// `y = exp(x − m) / Σ` along each line, or `x − m − log Σ` for `"log_softmax"`; `op` is one of the two names.
pub fn softmax(context: &Context, op: &'static str, x: &Buffer, y: &Buffer, view: Lines) -> Result<()> {
    if softmax_lanes::softmax(context, op, x, y, view)? {
        return Ok(());
    }
    let pairs = log_sum_exp(context, op, x, view)?;
    let kernel = Specialisation::new("softmax").with_fragment("softmax_value", op);
    elementwise(context, kernel, op, &[x, &pairs, y], view)
}

/// The gradient of x from the result y. `sums` holds one number for each line: Σ grad_y · y of a softmax, Σ grad_y of
/// its logarithm.
pub fn softmax_backward(
    context: &Context,
    op: &'static str,
    y: &Buffer,
    grad_y: &Buffer,
    sums: &Buffer,
    grad_x: &Buffer,
    view: Lines,
) -> Result<()> {
    let kernel = Specialisation::new("softmax_backward").with_fragment("softmax_gradient", op);
    elementwise(context, kernel, op, &[y, grad_y, sums, grad_x], view)
}

fn elementwise(
    context: &Context,
    kernel: Specialisation,
    op: &str,
    buffers: &[&Buffer],
    view: Lines,
) -> Result<()> {
    let parts = view.parts();
    let params = Params {
        lines: to_u32(op, view.lines())?,
        along: to_u32(op, view.along)?,
        after: to_u32(op, view.after)?,
        parts: to_u32(op, parts)?,
    };
    let kernel = kernel.with_u32("WORKGROUP", WORKGROUP).with_bool("LINES_FIRST", view.lines_first());
    let groups = workgroups(to_u32(op, view.lines() * parts)?);
    context.dispatch(&kernel, &Dispatch { op, params: bytemuck::bytes_of(&params), buffers, groups })
}

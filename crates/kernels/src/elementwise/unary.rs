//! `unary` and `unary_backward`.

use tilewright_ops::UnaryOp;
use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use crate::{ParamsLayout, params::params, share::Share, vectors};

params! { Params for "unary", "unary_backward" { vectors: u32, p0: f32, p1: f32 } }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT];

/// `y = op(x)` over `count` f32 elements.
pub fn unary(context: &Context, op: UnaryOp, x: &Buffer, y: &Buffer, count: usize) -> Result<()> {
    let kernel = Specialisation::new("unary").with_fragment("unary", op.name());
    launch(context, kernel, op, &[x, y], count)
}

/// `grad_x = grad_y · op'(x)` over `count` f32 elements.
pub fn unary_backward(
    context: &Context,
    op: UnaryOp,
    x: &Buffer,
    grad_y: &Buffer,
    grad_x: &Buffer,
    count: usize,
) -> Result<()> {
    let kernel = Specialisation::new("unary_backward").with_fragment("unary_derivative", op.name());
    launch(context, kernel, op, &[x, grad_y, grad_x], count)
}

fn launch(
    context: &Context,
    kernel: Specialisation,
    op: UnaryOp,
    buffers: &[&Buffer],
    count: usize,
) -> Result<()> {
    let vectors = vectors(op.name(), count)?;
    let [p0, p1] = op.parameters();
    let params = Params { vectors, p0, p1 };
    let (kernel, groups) = Share::of(context).spread(kernel, vectors);
    let dispatch = Dispatch { op: op.name(), params: bytemuck::bytes_of(&params), buffers, groups };
    context.dispatch(&kernel, &dispatch)
}

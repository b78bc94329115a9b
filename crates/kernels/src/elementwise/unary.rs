//! `unary` and `unary_backward`.

use tilewright_ops::{DType, UnaryOp};
use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use super::integers;
use crate::base::{
    coarsening::Coarsening,
    numbers::vectors,
    params::{ParamsLayout, params},
};

params! { Params for "unary" { runs: u32, p0: f32, p1: f32, never: u32 } }
params! { BackwardParams for "unary_backward" { runs: u32, p0: f32, p1: f32, never: u32 } }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT, BackwardParams::LAYOUT];

/// `y = op(x)` over `count` elements of `dtype`: f32, or i32 where [`UnaryOp::takes_integers`].
pub fn unary(
    context: &Context,
    op: UnaryOp,
    dtype: DType,
    x: &Buffer,
    y: &Buffer,
    count: usize,
) -> Result<()> {
    let vectors = vectors(op.name(), count)?;
    let kernel = Specialisation::new("unary").with_fragment("unary", integers::unary(op, dtype));
    let (kernel, groups, runs) = Coarsening::of(context).specialise_runs(context, kernel, vectors);
    let [p0, p1] = op.parameters();
    let params = Params { runs, p0, p1, never: 0 };
    let dispatch =
        Dispatch { op: op.name(), params: bytemuck::bytes_of(&params), buffers: &[x, y, x], groups };
    context.dispatch(&kernel, &dispatch)
}

/// `grad_x = grad_y · op'(x)` over `count` f32 elements; `grad_x` may be `grad_y`.
pub fn unary_backward(
    context: &Context,
    op: UnaryOp,
    x: &Buffer,
    grad_y: &Buffer,
    grad_x: &Buffer,
    count: usize,
) -> Result<()> {
    let vectors = vectors(op.name(), count)?;
    let kernel = Specialisation::new("unary_backward")
        .with_bool("MASKS", op.masks())
        .with_bool("IN_PLACE", grad_y.same(grad_x))
        .with_fragment("unary_derivative", op.name());
    let [p0, p1] = op.parameters();
    let (kernel, groups, runs) = Coarsening::of(context).specialise_runs(context, kernel, vectors);
    let params = BackwardParams { runs, p0, p1, never: 0 };
    let from = if grad_y.same(grad_x) { x } else { grad_y };
    let buffers = &[x, from, grad_x, x, from];
    context
        .dispatch(&kernel, &Dispatch { op: op.name(), params: bytemuck::bytes_of(&params), buffers, groups })
}

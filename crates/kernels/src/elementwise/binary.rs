//! `binary` (same shape, same layout), `binary_broadcast` and `binary_backward`.

use tilewright_ops::BinaryOp;
use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use crate::{
    ParamsLayout, WORKGROUP, groups,
    params::params,
    strided::{Strided, wrap},
    to_u32, vectors,
};

params! { Params for "binary" { vectors: u32 } }

params! { BroadcastParams for "binary_broadcast", "binary_backward" {
    shape: [u32; 8],
    a_strides: [u32; 8],
    b_strides: [u32; 8],
    count: u32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
} }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT, BroadcastParams::LAYOUT];

/// `y = op(a, b)` over `count` f32 elements that lie alike in all three.
pub fn binary(
    context: &Context,
    op: BinaryOp,
    a: &Buffer,
    b: &Buffer,
    y: &Buffer,
    count: usize,
) -> Result<()> {
    let vectors = vectors(op.name(), count)?;
    let kernel =
        Specialisation::new("binary").with_u32("WORKGROUP", WORKGROUP).with_fragment("binary", op.name());
    let params = Params { vectors };
    let dispatch = Dispatch {
        op: op.name(),
        params: bytemuck::bytes_of(&params),
        buffers: &[a, b, y],
        groups: groups(vectors),
    };
    context.dispatch(&kernel, &dispatch)
}

/// `y = op(a, b)` over a box whose axes are in y's memory order; a broadcast axis has stride 0.
pub fn binary_broadcast(
    context: &Context,
    op: BinaryOp,
    a: &Buffer,
    b: &Buffer,
    y: &Buffer,
    index: &Strided,
) -> Result<()> {
    let kernel = Specialisation::new("binary_broadcast").with_fragment("binary", op.name());
    launch(context, kernel, op, &[a, b, y], index)
}

/// `grad_a = grad_y · ∂op/∂a` and `grad_b = grad_y · ∂op/∂b` over a box in y's memory order; what is not wanted may be
/// `None`.
pub fn binary_backward(
    context: &Context,
    op: BinaryOp,
    a: &Buffer,
    b: &Buffer,
    grad_y: &Buffer,
    grad_a: Option<&Buffer>,
    grad_b: Option<&Buffer>,
    index: &Strided,
) -> Result<()> {
    let kernel = Specialisation::new("binary_backward")
        .with_bool("WRITE_A", grad_a.is_some())
        .with_bool("WRITE_B", grad_b.is_some())
        .with_fragment("binary_derivative", op.name());
    let (unused_a, unused_b) = (context.alloc(16)?, context.alloc(16)?);
    let buffers = [a, b, grad_y, grad_a.unwrap_or(&unused_a), grad_b.unwrap_or(&unused_b)];
    launch(context, kernel, op, &buffers, index)
}

fn launch(
    context: &Context,
    kernel: Specialisation,
    op: BinaryOp,
    buffers: &[&Buffer],
    index: &Strided,
) -> Result<()> {
    let count = to_u32(op.name(), index.count())?;
    let kernel = kernel.with_u32("WORKGROUP", WORKGROUP).with_u32("RANK", index.shape.len() as u32);
    let params = BroadcastParams {
        shape: index.extents(op.name())?,
        a_strides: wrap(&index.first),
        b_strides: wrap(&index.second),
        count,
        pad0: 0,
        pad1: 0,
        pad2: 0,
    };
    let dispatch =
        Dispatch { op: op.name(), params: bytemuck::bytes_of(&params), buffers, groups: groups(count) };
    context.dispatch(&kernel, &dispatch)
}

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
    let count = to_u32(op.name(), index.count())?;
    let kernel = Specialisation::new("binary_broadcast")
        .with_u32("WORKGROUP", WORKGROUP)
        .with_u32("RANK", index.shape.len() as u32)
        .with_fragment("binary", op.name());
    let params = BroadcastParams {
        shape: index.extents(op.name())?,
        a_strides: wrap(&index.first),
        b_strides: wrap(&index.second),
        count,
        pad0: 0,
        pad1: 0,
        pad2: 0,
    };
    let dispatch = Dispatch {
        op: op.name(),
        params: bytemuck::bytes_of(&params),
        buffers: &[a, b, y],
        groups: groups(count),
    };
    context.dispatch(&kernel, &dispatch)
}

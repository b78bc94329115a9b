//! `binary` (same shape, same layout), `binary_broadcast` and `binary_backward`.

use tilewright_ops::{BinaryOp, DType, UnaryOp};
use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use super::{binary_rows::binary_rows, integers};
use crate::base::{
    coarsening::{Coarsening, wide_words},
    numbers::{WORKGROUP, vectors, workgroups},
    params::{ParamsLayout, params},
    strided::Strided,
};

params! { Params for "binary" { runs: u32, p0: f32, p1: f32, never: u32 } }

params! { BroadcastParams for "binary_broadcast", "binary_broadcast_vec4", "binary_backward", "binary_backward_vec4" {
    shape: [u32; 8],
    magic: [u32; 8],
    shift: [u32; 8],
    a_strides: [u32; 8],
    b_strides: [u32; 8],
    count: u32,
    a_inner: u32,
    b_inner: u32,
    p0: f32,
    p1: f32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
} }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT, BroadcastParams::LAYOUT];

/// The kernel with the activation in its slot, and the activation's parameters.
fn with_activation(kernel: Specialisation, activation: Option<UnaryOp>) -> (Specialisation, [f32; 2]) {
    match activation {
        Some(activation) => (kernel.with_fragment("unary", activation.name()), activation.parameters()),
        None => (kernel, [0.0; 2]),
    }
}

/// `y = activation(op(a, b))` over `count` elements that lie alike in all three; a and b are of `dtype`, f32 or (where
/// [`BinaryOp::takes`] says so, without an activation) i32. `y` may be one of them.
pub fn binary(
    context: &Context,
    op: BinaryOp,
    dtype: DType,
    activation: Option<UnaryOp>,
    a: &Buffer,
    b: &Buffer,
    y: &Buffer,
    count: usize,
) -> Result<()> {
    let vectors = vectors(op.name(), count)?;
    let over = [a.same(y), b.same(y)];
    let kernel = Specialisation::new("binary")
        .with_bool("OVER_A", over[0])
        .with_bool("OVER_B", over[1])
        .with_fragment("binary", integers::binary(op, dtype));
    let (kernel, [p0, p1]) = with_activation(kernel, activation);
    let (kernel, groups, runs) = Coarsening::of(context).specialise_runs(context, kernel, vectors);
    let params = Params { runs, p0, p1, never: 0 };
    let (a, b) = (if over[0] { b } else { a }, if over[1] { a } else { b });
    let buffers = &[a, b, y, a, b];
    let dispatch = Dispatch { op: op.name(), params: bytemuck::bytes_of(&params), buffers, groups };
    context.dispatch(&kernel, &dispatch)
}

/// As [`binary`] over a box whose axes are in y's memory order; a broadcast axis has stride 0.
pub fn binary_broadcast(
    context: &Context,
    op: BinaryOp,
    dtype: DType,
    activation: Option<UnaryOp>,
    a: &Buffer,
    b: &Buffer,
    y: &Buffer,
    index: &Strided,
) -> Result<()> {
    let fragment = integers::binary(op, dtype);
    let kernel =
        |stem| with_activation(Specialisation::new(stem).with_fragment("binary", fragment), activation).0;
    let parameters = activation.map_or([0.0; 2], UnaryOp::parameters);
    if binary_rows(context, op.name(), kernel("binary_rows"), [a, b, y], index, parameters)? {
        return Ok(());
    }
    let stems = ["binary_broadcast", "binary_broadcast_vec4"];
    launch(context, kernel, stems, op.name(), &[a, b, y], index, parameters)
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
    let kernel = |stem| {
        Specialisation::new(stem)
            .with_bool("WRITE_A", grad_a.is_some())
            .with_bool("WRITE_B", grad_b.is_some())
            .with_bool("MASKS", matches!(op, BinaryOp::Maximum | BinaryOp::Minimum))
            .with_fragment("binary_derivative", op.name())
    };
    let (unused_a, unused_b) = (context.alloc(16)?, context.alloc(16)?);
    let buffers = [a, b, grad_y, grad_a.unwrap_or(&unused_a), grad_b.unwrap_or(&unused_b)];
    launch(context, kernel, ["binary_backward", "binary_backward_vec4"], op.name(), &buffers, index, [0.0; 2])
}

/// Launches the second of two kernels where the fastest axis is whole vec4s, and else the first.
fn launch(
    context: &Context,
    kernel: impl Fn(&'static str) -> Specialisation,
    [scalar, vec4]: [&'static str; 2],
    op: &str,
    buffers: &[&Buffer],
    index: &Strided,
    [p0, p1]: [f32; 2],
) -> Result<()> {
    let (steps, kernel, groups) = match index.quads() {
        Some(quads) => {
            let steps = quads.index.steps_of(op, 1)?;
            let kernel = kernel(vec4)
                .with_bool("A_SPLAT", quads.splat[0])
                .with_bool("B_SPLAT", quads.splat[1])
                .with_u32("RANK", steps.rank);
            let (kernel, groups) = Coarsening::of(context).specialise(kernel, steps.count);
            // The kernels that read by strides only store such words: what they read is not touched before.
            let kernel = if scalar == "binary_broadcast" { wide_words(context, kernel) } else { kernel };
            (steps, kernel, groups)
        }
        None => {
            let steps = index.steps(op)?;
            let kernel = kernel(scalar)
                .with_u32("WORKGROUP", WORKGROUP)
                .with_u32("RANK", steps.rank)
                .with_u32("STEP", steps.step);
            let groups = workgroups(steps.count);
            (steps, kernel, groups)
        }
    };
    let params = BroadcastParams {
        shape: steps.shape,
        magic: steps.magic,
        shift: steps.shift,
        a_strides: steps.first,
        b_strides: steps.second,
        count: steps.count,
        a_inner: steps.inner[0],
        b_inner: steps.inner[1],
        p0,
        p1,
        pad0: 0,
        pad1: 0,
        pad2: 0,
    };
    context.dispatch(&kernel, &Dispatch { op, params: bytemuck::bytes_of(&params), buffers, groups })
}

//! `im2col` and `col2im`, and convolutions as matrix products between them.

use tilewright_ops::UnaryOp;
use tilewright_runtime::{Buffer, Context, Dispatch, Error, Result};
use tilewright_shaders::Specialisation;

use super::{Operands, Pass, Problem, Weight, pack};
use crate::{
    WORKGROUP,
    elementwise::fill,
    groups,
    matmul::{self, Addends, Reduction, matmul, split_k_reduce},
    movement::strided_copy,
    strided::Strided,
};

/// What `im2col` and `col2im` are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Spec {
    /// `im2col` or `col2im`.
    pub stem: &'static str,
    /// An element is four channels.
    pub vec4: bool,
}

impl From<Spec> for Specialisation {
    fn from(spec: Spec) -> Self {
        let element = if spec.vec4 { "vec4<f32>" } else { "f32" };
        Self::new(spec.stem).with_u32("WORKGROUP", WORKGROUP).with_type("Element", element)
    }
}

fn launch(
    context: &Context,
    stem: &'static str,
    problem: &Problem,
    elements: usize,
    buffers: &[&Buffer],
) -> Result<()> {
    let vec4 = problem.group_channels()[0].is_multiple_of(4);
    let params = if vec4 {
        problem.in_vec4s(stem, elements / 4, None)?
    } else {
        problem.params(stem, elements, None)?
    };
    let dispatch =
        Dispatch { op: stem, params: bytemuck::bytes_of(&params), buffers, groups: groups(params.count) };
    context.dispatch(&Spec { stem, vec4 }.into(), &dispatch)
}

fn patches_buffer(context: &Context, op: &str, problem: &Problem) -> Result<Buffer> {
    let (bytes, limit) = (problem.patches_bytes(), context.limits().max_storage_buffer_binding_size);
    if bytes > limit {
        return Err(Error::Limit {
            op: op.to_owned(),
            what: "the matrix of patches (in bytes)",
            needed: bytes,
            limit,
            detail: format!("im2col of {problem}; another algorithm needs no such matrix"),
        });
    }
    context.alloc(bytes)
}

/// Writes every window of the channels-last x as a row: `columns` is G, N·OH·OW, KH·KW·C/G.
pub fn im2col(context: &Context, problem: &Problem, x: &Buffer, columns: &Buffer) -> Result<()> {
    let elements = problem.y_pixels() * problem.terms() * problem.op.groups;
    launch(context, "im2col", problem, elements, &[x, columns])
}

/// Adds every element of G, N·OH·OW, KH·KW·C/G to the pixel of the channels-last x that it was read from.
pub fn col2im(context: &Context, problem: &Problem, grad_columns: &Buffer, grad_x: &Buffer) -> Result<()> {
    launch(context, "col2im", problem, problem.x_count(), &[grad_columns, grad_x])
}

/// M N K of a group's product, in rows of pixels.
fn product(problem: &Problem, m: usize, n: usize, k: usize, transpose: [bool; 2]) -> matmul::Problem {
    let [transpose_left, transpose_right] = transpose;
    let batches = problem.op.groups;
    matmul::Problem {
        batches,
        m,
        n,
        k,
        transpose_left,
        transpose_right,
        left_stride: if batches > 1 { m * k } else { 0 },
        right_stride: if batches > 1 { k * n } else { 0 },
        dtype: problem.dtype,
    }
}

pub(super) fn forward(
    context: &Context,
    problem: &Problem,
    operands: &Operands<'_>,
    activation: Option<UnaryOp>,
) -> Result<()> {
    let op = Pass::Forward.name();
    let Operands { x, weight, bias, residual, y } = *operands;
    let ([_, outputs], pixels, terms) = (problem.group_channels(), problem.y_pixels(), problem.terms());
    if problem.is_pointwise() {
        // A weight is read as it lies rather than packed for one call.
        let as_is = |_: &Context, _: &str, _: &Problem, weight: &Buffer| Ok(weight.clone());
        let right = weight.packed(context, problem, as_is)?;
        let product = product(problem, pixels, outputs, terms, [false, matches!(weight, Weight::Plain(_))]);
        let operands = matmul::Operands { left: x, right: &right, bias, residual, y };
        return matmul(context, &product, &operands, activation);
    }
    let columns = patches_buffer(context, op, problem)?;
    im2col(context, problem, x, &columns)?;
    let packed = weight.packed(context, problem, pack::inputs_by_outputs)?;
    let product = product(problem, pixels, outputs, terms, [false, false]);
    let groups = problem.op.groups;
    if groups == 1 {
        let operands = matmul::Operands { left: &columns, right: &packed, bias, residual, y };
        return matmul(context, &product, &operands, activation);
    }
    // Group by group the product has its own order; y's own is a transposition away, and what is added comes after it.
    let by_group = context.alloc((pixels * groups * outputs * 4) as u64)?;
    let operands =
        matmul::Operands { left: &columns, right: &packed, bias: None, residual: None, y: &by_group };
    matmul(context, &product, &operands, None)?;
    let plain = bias.is_none() && residual.is_none() && activation.is_none();
    let in_order = if plain { y.clone() } else { context.alloc(by_group.size())? };
    let extents = [pixels, groups, outputs];
    let from = [outputs as isize, (pixels * outputs) as isize, 1];
    let index = Strided::new(&extents, &from, &[(groups * outputs) as isize, outputs as isize, 1]);
    strided_copy(context, op, &by_group, 0, &in_order, 0, &index)?;
    if plain {
        return Ok(());
    }
    // A sum of one part.
    let (count, channels) = (problem.y_count(), groups * outputs);
    let reduction = Reduction { count, splits: 1, bias_inner: 1, bias_period: channels, accumulate: false };
    split_k_reduce(context, op, &reduction, &in_order, Addends { bias, residual }, y, activation)
}

/// The output's gradient as G, pixels, Og.
fn gradient_by_group(context: &Context, op: &str, problem: &Problem, grad_y: &Buffer) -> Result<Buffer> {
    let groups = problem.op.groups;
    if groups == 1 {
        return Ok(grad_y.clone());
    }
    pack::split_groups(context, op, grad_y, problem.y_pixels(), groups, problem.group_channels()[1])
}

/// Rows of N·OH·OW, C to the pixels of x that they were read from, for one tap.
fn spread(context: &Context, op: &str, problem: &Problem, columns: &Buffer, x: &Buffer) -> Result<()> {
    let ([batch, channels, height, width], [_, _, rows, across]) = (problem.x_shape, problem.y_shape);
    let [down, right] = problem.op.stride;
    let from = [rows * across, across, 1].map(|pixels| (pixels * channels) as isize);
    let to = [height * width, down * width, right].map(|pixels| (pixels * channels) as isize);
    let ([n, h, w], [to_n, to_h, to_w]) = (from, to);
    let index = Strided::new(&[batch, rows, across, channels], &[n, h, w, 1], &[to_n, to_h, to_w, 1]);
    strided_copy(context, op, columns, 0, x, 0, &index)
}

pub(super) fn backward_input(
    context: &Context,
    problem: &Problem,
    grad_y: &Buffer,
    weight: &Buffer,
    grad_x: &Buffer,
) -> Result<()> {
    let op = Pass::BackwardInput.name();
    let ([_, outputs], pixels, terms) = (problem.group_channels(), problem.y_pixels(), problem.terms());
    if problem.is_pointwise() {
        let product = product(problem, pixels, terms, outputs, [false, false]);
        let operands =
            matmul::Operands { left: grad_y, right: weight, bias: None, residual: None, y: grad_x };
        return matmul(context, &product, &operands, None);
    }
    let columns = patches_buffer(context, op, problem)?;
    if problem.is_single_tap() {
        // Rows of the product are pixels of x, and the pixels between them are in no window.
        let product = product(problem, pixels, terms, outputs, [false, false]);
        let operands =
            matmul::Operands { left: grad_y, right: weight, bias: None, residual: None, y: &columns };
        matmul(context, &product, &operands, None)?;
        fill(context, grad_x, problem.x_count(), 0)?;
        return spread(context, op, problem, &columns, grad_x);
    }
    let packed = pack::inputs_by_outputs(context, op, problem, weight)?;
    let grad_y = gradient_by_group(context, op, problem, grad_y)?;
    let product = product(problem, pixels, terms, outputs, [false, true]);
    let operands =
        matmul::Operands { left: &grad_y, right: &packed, bias: None, residual: None, y: &columns };
    matmul(context, &product, &operands, None)?;
    col2im(context, problem, &columns, grad_x)
}

pub(super) fn backward_weight(
    context: &Context,
    problem: &Problem,
    grad_y: &Buffer,
    x: &Buffer,
    grad_weight: &Buffer,
) -> Result<()> {
    let op = Pass::BackwardWeight.name();
    let ([_, outputs], pixels, terms) = (problem.group_channels(), problem.y_pixels(), problem.terms());
    if problem.is_pointwise() {
        // One tap: O I is the order of the weight itself.
        let product = product(problem, outputs, terms, pixels, [true, false]);
        let operands =
            matmul::Operands { left: grad_y, right: x, bias: None, residual: None, y: grad_weight };
        return matmul(context, &product, &operands, None);
    }
    let columns = patches_buffer(context, op, problem)?;
    im2col(context, problem, x, &columns)?;
    if problem.is_single_tap() {
        let product = product(problem, outputs, terms, pixels, [true, false]);
        let operands =
            matmul::Operands { left: grad_y, right: &columns, bias: None, residual: None, y: grad_weight };
        return matmul(context, &product, &operands, None);
    }
    let grad_y = gradient_by_group(context, op, problem, grad_y)?;
    let packed = context.alloc((problem.w_count() * 4) as u64)?;
    let product = product(problem, terms, outputs, pixels, [true, false]);
    let operands =
        matmul::Operands { left: &columns, right: &grad_y, bias: None, residual: None, y: &packed };
    matmul(context, &product, &operands, None)?;
    pack::from_inputs_by_outputs(context, op, problem, &packed, grad_weight)
}

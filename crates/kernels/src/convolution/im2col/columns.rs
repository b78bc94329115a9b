//! `im2col` and `col2im`.

use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use crate::{
    base::numbers::{WORKGROUP, workgroups},
    convolution::{plain::Params, problem::Problem},
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
    let params = Params::new(stem, problem, if vec4 { elements / 4 } else { elements }, None)?;
    let params = if vec4 { params.in_vec4s() } else { params };
    let dispatch =
        Dispatch { op: stem, params: bytemuck::bytes_of(&params), buffers, groups: workgroups(params.count) };
    context.dispatch(&Spec { stem, vec4 }.into(), &dispatch)
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

//! The weight O I KH KW in the orders that the kernels read, and back. Ig and Og are the channels of one group.

use tilewright_ops::DType;
use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use super::{pack_tiles::Tiles, problem::Problem};
use crate::{
    base::{
        numbers::{WORKGROUP, to_u32, workgroups},
        params::{ParamsLayout, params},
        strided::Strided,
    },
    movement::strided_copy::strided_copy,
};

params! { Params for "conv2d_pack_weight" {
    taps: u32,
    a: u32,
    b: u32,
    group_stride: u32,
    a_stride: u32,
    b_stride: u32,
    count: u32,
    pad: u32,
} }

pub(super) const LAYOUT: ParamsLayout = Params::LAYOUT;

/// What `conv2d_pack_weight` is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Spec {
    /// From the packed order to O I KH KW.
    pub unpack: bool,
    /// The type of the weight: f32 or f16.
    pub dtype: DType,
}

impl From<Spec> for Specialisation {
    fn from(spec: Spec) -> Self {
        let kernel =
            Self::new("conv2d_pack_weight").with_u32("WORKGROUP", WORKGROUP).with_bool("UNPACK", spec.unpack);
        if spec.dtype == DType::F16 { kernel.with_type("Operand", "f16") } else { kernel }
    }
}

/// An order G, KH KW, A, B: extents of G, A, B and their strides in O I KH KW.
struct Order {
    extents: [usize; 3],
    strides: [usize; 3],
}

impl Order {
    /// KH KW Ig Og of each group.
    fn inputs_by_outputs(problem: &Problem) -> Self {
        let ([inputs, outputs], taps) = (problem.group_channels(), taps(problem));
        Self {
            extents: [problem.op.groups, inputs, outputs],
            strides: [outputs * inputs * taps, taps, inputs * taps],
        }
    }

    /// KH KW Og Ig of each group.
    fn outputs_by_inputs(problem: &Problem) -> Self {
        let Self { extents: [g, i, o], strides: [by_g, by_i, by_o] } = Self::inputs_by_outputs(problem);
        Self { extents: [g, o, i], strides: [by_g, by_o, by_i] }
    }

    /// KH KW C, one filter to a channel.
    fn depthwise(problem: &Problem) -> Self {
        Self { extents: [1, 1, problem.w_shape[0]], strides: [0, 0, taps(problem)] }
    }

    fn run(
        &self,
        context: &Context,
        op: &str,
        problem: &Problem,
        spec: Spec,
        from: &Buffer,
        to: &Buffer,
    ) -> Result<()> {
        let number = |value| to_u32(op, value);
        number(problem.w_count())?;
        let ([g, a, b], [by_g, by_a, by_b]) = (self.extents, self.strides);
        let tiles = Tiles { groups: g, a, b, a_stride: by_a, b_stride: by_b, taps: taps(problem) };
        // The kernels of tiles are for f32.
        if spec.dtype == DType::F32 && tiles.run(context, op, spec.unpack, from, to)? {
            return Ok(());
        }
        let params = Params {
            taps: number(taps(problem))?,
            a: number(a)?,
            b: number(b)?,
            group_stride: number(by_g)?,
            a_stride: number(by_a)?,
            b_stride: number(by_b)?,
            count: number(g * a * b)?,
            pad: 0,
        };
        let dispatch = Dispatch {
            op,
            params: bytemuck::bytes_of(&params),
            buffers: &[from, to],
            groups: workgroups(params.count),
        };
        context.dispatch(&spec.into(), &dispatch)
    }

    fn pack(&self, context: &Context, op: &str, problem: &Problem, weight: &Buffer) -> Result<Buffer> {
        let packed = context.alloc((problem.w_count() * problem.dtype.size()) as u64)?;
        self.run(context, op, problem, Spec { unpack: false, dtype: problem.dtype }, weight, &packed)?;
        Ok(packed)
    }
}

fn taps(problem: &Problem) -> usize {
    problem.w_shape[2] * problem.w_shape[3]
}

/// G KH KW Ig Og: what a forward pass multiplies patches with.
pub(super) fn inputs_by_outputs(
    context: &Context,
    op: &str,
    problem: &Problem,
    weight: &Buffer,
) -> Result<Buffer> {
    Order::inputs_by_outputs(problem).pack(context, op, problem, weight)
}

/// G KH KW Og Ig: what an input gradient multiplies the output's gradient with.
pub(super) fn outputs_by_inputs(
    context: &Context,
    op: &str,
    problem: &Problem,
    weight: &Buffer,
) -> Result<Buffer> {
    Order::outputs_by_inputs(problem).pack(context, op, problem, weight)
}

/// KH KW C of a depthwise weight.
pub(super) fn depthwise(context: &Context, op: &str, problem: &Problem, weight: &Buffer) -> Result<Buffer> {
    Order::depthwise(problem).pack(context, op, problem, weight)
}

/// O I KH KW from G KH KW Ig Og.
pub(super) fn from_inputs_by_outputs(
    context: &Context,
    op: &str,
    problem: &Problem,
    packed: &Buffer,
    weight: &Buffer,
) -> Result<()> {
    Order::inputs_by_outputs(problem).run(
        context,
        op,
        problem,
        Spec { unpack: true, dtype: problem.dtype },
        packed,
        weight,
    )
}

/// Pixels of a channels-last activation, G by G: G pixels C/G from pixels G C/G.
pub(super) fn split_groups(
    context: &Context,
    op: &str,
    x: &Buffer,
    pixels: usize,
    groups: usize,
    channels: usize,
) -> Result<Buffer> {
    let packed = context.alloc((pixels * groups * channels * 4) as u64)?;
    let from = [channels as isize, (groups * channels) as isize, 1];
    let to = [(pixels * channels) as isize, channels as isize, 1];
    let index = Strided::new(&[groups, pixels, channels], &from, &to);
    strided_copy(context, op, x, 0, &packed, 0, &index)?;
    Ok(packed)
}

//! `matmul_split_k_reduce`: the second pass of every sum that was cut into parts.

use tilewright_ops::{DType, UnaryOp};
use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use crate::base::{
    epilogue::{Epilogue, bound_residual, parameters},
    numbers::{to_u32, vectors, workgroups},
    params::params,
};

params! { Params for "matmul_split_k_reduce" {
    count: u32,
    splits: u32,
    bias_inner: u32,
    bias_period: u32,
    workgroups: u32,
    p0: f32,
    p1: f32,
} }

/// What `matmul_split_k_reduce` is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Spec {
    /// `count` is a multiple of 4.
    pub vec4: bool,
    /// Adds to what y holds.
    pub accumulate: bool,
    /// y is f16.
    pub f16: bool,
    /// Bias and activation.
    pub epilogue: Epilogue,
}

impl From<Spec> for Specialisation {
    fn from(spec: Spec) -> Self {
        let kernel = Self::new("matmul_split_k_reduce")
            .with_bool("VEC", spec.vec4)
            .with_bool("ACCUMULATE", spec.accumulate);
        let kernel = if spec.f16 { kernel.with_type("Output", "f16") } else { kernel };
        spec.epilogue.specialise(kernel)
    }
}

/// The numbers of a second pass.
#[derive(Clone, Copy, Debug)]
pub struct Reduction {
    /// Elements of y.
    pub count: usize,
    /// Partial sums of each; at most 65,535.
    pub splits: usize,
    /// Neighbours in y that share an entry of the bias.
    pub bias_inner: usize,
    /// Entries of the bias.
    pub bias_period: usize,
    /// Adds to what y holds.
    pub accumulate: bool,
}

/// What is added to the sums; nothing by default.
#[derive(Clone, Copy, Debug, Default)]
pub struct Addends<'a> {
    /// As many entries as [`Reduction::bias_period`].
    pub bias: Option<&'a Buffer>,
    /// Of y's shape and layout.
    pub residual: Option<&'a Buffer>,
}

/// `y[i] = activation(Σ_s partial[s, i] + bias + residual[i])`, summed in the order of s.
pub fn split_k_reduce(
    context: &Context,
    op: &str,
    reduction: &Reduction,
    partial: &Buffer,
    addends: Addends<'_>,
    y: &Buffer,
    activation: Option<UnaryOp>,
) -> Result<()> {
    split_k_reduce_to(DType::F32, context, op, reduction, partial, addends, y, activation)
}

/// As [`split_k_reduce`] for y and residual of `dtype`, f32 or f16; partial sums and bias are f32.
pub(crate) fn split_k_reduce_to(
    dtype: DType,
    context: &Context,
    op: &str,
    reduction: &Reduction,
    partial: &Buffer,
    addends: Addends<'_>,
    y: &Buffer,
    activation: Option<UnaryOp>,
) -> Result<()> {
    let Addends { bias, residual } = addends;
    let vectors = vectors(op, reduction.count)?;
    let spec = Spec {
        vec4: reduction.count.is_multiple_of(4),
        accumulate: reduction.accumulate,
        f16: dtype == DType::F16,
        epilogue: Epilogue::new(bias, residual, y, activation),
    };
    let [p0, p1] = parameters(activation);
    let params = Params {
        count: to_u32(op, reduction.count)?,
        splits: to_u32(op, reduction.splits)?,
        bias_inner: to_u32(op, reduction.bias_inner)?,
        bias_period: to_u32(op, reduction.bias_period)?,
        workgroups: to_u32(op, workgroups(vectors) as usize)?,
        p0,
        p1,
    };
    let dispatch = Dispatch {
        op,
        params: bytemuck::bytes_of(&params),
        buffers: &[partial, bias.unwrap_or(partial), bound_residual(residual, y, partial), y],
        groups: workgroups(vectors),
    };
    context.dispatch(&spec.into(), &dispatch)
}

//! Weights brought into the order of an algorithm, once for many forward passes.

use tilewright_ops::DType;
use tilewright_runtime::{Buffer, Context, Error, Result};

use super::{Conv2dAlgorithm, Pass, Problem, chosen, pack, winograd};
use crate::select;

/// The weight of a forward pass.
#[derive(Clone, Copy, Debug)]
pub enum Weight<'a> {
    /// O C/groups KH KW in memory; what an algorithm wants otherwise is made at each call.
    Plain(&'a Buffer),
    /// What [`pack_weight`] made.
    Packed(&'a PackedWeight),
}

impl<'a> From<&'a Buffer> for Weight<'a> {
    fn from(buffer: &'a Buffer) -> Self {
        Self::Plain(buffer)
    }
}

impl<'a> From<&'a PackedWeight> for Weight<'a> {
    fn from(packed: &'a PackedWeight) -> Self {
        Self::Packed(packed)
    }
}

/// A weight in the order that one algorithm reads: for every input size, stride, padding and dilation that the
/// algorithm runs.
#[derive(Clone, Debug)]
pub struct PackedWeight {
    buffer: Buffer,
    algorithm: Conv2dAlgorithm,
    shape: [usize; 4],
    groups: usize,
    dtype: DType,
}

impl PackedWeight {
    /// The algorithm that reads it.
    pub fn algorithm(&self) -> Conv2dAlgorithm {
        self.algorithm
    }

    /// O C/groups KH KW of the weight it was made from.
    pub fn shape(&self) -> [usize; 4] {
        self.shape
    }

    /// Bytes on the device.
    pub fn bytes(&self) -> u64 {
        self.buffer.size()
    }

    /// Whether a forward pass of `problem` by `algorithm` may read it.
    fn check(&self, problem: &Problem, algorithm: Conv2dAlgorithm) -> Result<()> {
        let Self { shape, groups, .. } = *self;
        let reason = if self.algorithm != algorithm {
            format!("the weight was packed for {}, not for {}", self.algorithm.name(), algorithm.name())
        } else if (shape, groups) != (problem.w_shape, problem.op.groups) {
            format!("the packed weight has shape {shape:?} in {groups} groups")
        } else if self.dtype != problem.dtype {
            format!("the packed weight is {}", self.dtype)
        } else {
            return Ok(());
        };
        let reason = format!("{reason}; pack it anew with `pack_weight` ({problem})");
        Err(Error::Unsupported { op: Pass::Forward.name().to_owned(), algorithm: algorithm.name(), reason })
    }
}

/// Brings `weight`, O C/groups KH KW, into the order of the algorithm named, or of the one that
/// [`select::conv2d_packed_for`] picks for `problem`.
///
/// # Errors
/// [`Error::Unsupported`] if the algorithm named cannot run this shape on this device.
pub fn pack_weight(
    context: &Context,
    problem: &Problem,
    weight: &Buffer,
    algorithm: Option<Conv2dAlgorithm>,
) -> Result<PackedWeight> {
    let op = Pass::Forward.name();
    let algorithm = match algorithm {
        None => select::conv2d_packed_for(context, problem).algorithm,
        named => chosen(context, Pass::Forward, problem, named)?,
    };
    let buffer = match algorithm {
        Conv2dAlgorithm::Direct => weight.clone(),
        _ if problem.w_count() == 0 => weight.clone(),
        Conv2dAlgorithm::Depthwise => pack::depthwise(context, op, problem, weight)?,
        Conv2dAlgorithm::Im2col
        | Conv2dAlgorithm::ImplicitGemm
        | Conv2dAlgorithm::Lanes
        | Conv2dAlgorithm::Cooperative => pack::inputs_by_outputs(context, op, problem, weight)?,
        Conv2dAlgorithm::WinogradF2 => winograd::pack(context, Pass::Forward, problem, 2, weight)?,
        Conv2dAlgorithm::WinogradF4 => winograd::pack(context, Pass::Forward, problem, 4, weight)?,
    };
    Ok(PackedWeight {
        buffer,
        algorithm,
        shape: problem.w_shape,
        groups: problem.op.groups,
        dtype: problem.dtype,
    })
}

impl Weight<'_> {
    /// The algorithm of a forward pass: the one named, or the one that the weight was packed for, or the table's.
    pub(super) fn algorithm(
        self,
        context: &Context,
        problem: &Problem,
        algorithm: Option<Conv2dAlgorithm>,
    ) -> Result<Conv2dAlgorithm> {
        match self {
            // In a recording a constant's packing runs once, when the plan is made.
            Self::Plain(weight) if algorithm.is_none() && context.is_recording() && weight.is_backed() => {
                Ok(select::conv2d_packed_for(context, problem).algorithm)
            }
            Self::Plain(_) => chosen(context, Pass::Forward, problem, algorithm),
            Self::Packed(packed) => {
                packed.check(problem, algorithm.unwrap_or(packed.algorithm))?;
                chosen(context, Pass::Forward, problem, Some(packed.algorithm))
            }
        }
    }

    /// The weight as the algorithm reads it; `pack` makes that from O C/groups KH KW.
    pub(super) fn packed(
        self,
        context: &Context,
        problem: &Problem,
        pack: fn(&Context, &str, &Problem, &Buffer) -> Result<Buffer>,
    ) -> Result<Buffer> {
        match self {
            Self::Plain(weight) => pack(context, Pass::Forward.name(), problem, weight),
            Self::Packed(packed) => Ok(packed.buffer.clone()),
        }
    }
}
